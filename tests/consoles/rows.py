"""Rows of consoles without a process behind them, for pages and counts."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import User
from consoles.models import ConsoleVisit
from vms.models import VirtualMachine


def make_visit(user: User, vm: VirtualMachine, *, minutes: int = 5, **columns: Any) -> ConsoleVisit:
    """An open console that said a moment ago that it goes on."""
    now = timezone.now()
    known: dict[str, Any] = {
        "opened_at": now - timedelta(minutes=minutes), "seen_at": now, "address": "192.0.2.7", "node": vm.node,
        "bytes_to_browser": 5_033_165, "bytes_from_browser": 12_288, "machine_uuid": vm.smbios_uuid,
    }  # fmt: skip
    return ConsoleVisit.objects.create(user=user, user_name=user.username, vm=vm, **(known | columns))
