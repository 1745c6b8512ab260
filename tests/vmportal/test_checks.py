"""System checks tell an administrator before a member finds out."""

from typing import Any

import pytest

from vmportal import checks


def ids(check: Any) -> list[str]:
    return [message.id for message in check(None)]


@pytest.mark.parametrize(("role", "expected"), [("web", []), ("worker", ["vmportal.W001"]), ("all", ["vmportal.W001"])])
def test_only_a_process_that_talks_to_proxmox_needs_a_token(settings: Any, role: str, expected: list[str]) -> None:
    settings.VMPORTAL_ROLE, settings.PROXMOX_HOSTS = role, ()

    assert ids(checks.proxmox_is_named) == expected


def test_a_ca_file_that_is_absent_is_an_error(settings: Any, tmp_path: Any) -> None:
    settings.PROXMOX_HOSTS, settings.PROXMOX_USER = (("pve", 8006),), "portal@pve"
    settings.PROXMOX_TOKEN_NAME = settings.PROXMOX_TOKEN_VALUE = "token"
    settings.PROXMOX_CA_FILE = str(tmp_path / "absent.pem")

    assert ids(checks.proxmox_is_named) == ["vmportal.E001"]


def test_a_token_in_the_web_process_is_warned_of(settings: Any) -> None:
    settings.VMPORTAL_ROLE, settings.PROXMOX_TOKEN_VALUE = "web", "secret"

    assert ids(checks.web_holds_no_token) == ["vmportal.W002"]


def test_separate_processes_over_local_files_are_warned_of(settings: Any) -> None:
    settings.VMPORTAL_ROLE, settings.SECURE, settings.CELERY_BROKER_URL = "worker", False, "filesystem://"

    assert ids(checks.several_processes_share_what_they_need) == ["vmportal.W003", "vmportal.W004", "vmportal.W005"]
