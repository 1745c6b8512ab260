"""System checks: what an administrator should hear before the first member does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register

TALKS_TO_PROXMOX = {"all", "consoles", "worker"}


@register(Tags.compatibility)
def proxmox_is_named(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """A process that talks to Proxmox needs to know where and as whom."""
    if settings.VMPORTAL_ROLE not in TALKS_TO_PROXMOX:
        return []
    needed = ("PROXMOX_HOSTS", "PROXMOX_USER", "PROXMOX_TOKEN_NAME", "PROXMOX_TOKEN_VALUE")
    missing = [name for name in needed if not getattr(settings, name)]
    found: list[CheckMessage] = []
    if missing:
        sentence = f"{', '.join(missing)} not set: this process cannot reach Proxmox. Pages show what was last known."
        found.append(checks.Warning(sentence, id="vmportal.W001"))
    if settings.PROXMOX_CA_FILE and not Path(settings.PROXMOX_CA_FILE).is_file():
        found.append(
            checks.Error(f"PROXMOX_CA_FILE names {settings.PROXMOX_CA_FILE}, which is no file.", id="vmportal.E001")
        )
    return found


@register(Tags.compatibility)
def web_holds_no_token(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """The process that answers the internet should not hold what moves machines."""
    if settings.VMPORTAL_ROLE == "web" and settings.PROXMOX_TOKEN_VALUE:
        sentence = "This web process holds a Proxmox token. It needs none: give it to worker and consoles only."
        return [checks.Warning(sentence, id="vmportal.W002")]
    return []


@register(Tags.security, deploy=True)
def several_processes_share_what_they_need(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Outside the demo: https, a server for the database, a broker and a channel layer that processes share."""
    if settings.DEMO:
        return []
    found: list[CheckMessage] = []
    if not settings.SECURE:
        found.append(checks.Warning("SITE_URL is http: sign-ins travel in the clear.", id="vmportal.W003"))
    if settings.VMPORTAL_ROLE != "all" and not settings.CHANNEL_REDIS_URL:
        sentence = "CHANNEL_REDIS_URL is not set: lost rights end consoles by the 2 s re-check only."
        found.append(checks.Warning(sentence, id="vmportal.W004"))
    if settings.VMPORTAL_ROLE != "all" and settings.CELERY_BROKER_URL.startswith("filesystem"):
        found.append(
            checks.Warning("BROKER_URL is a folder: only processes on this machine see it.", id="vmportal.W005")
        )
    return found
