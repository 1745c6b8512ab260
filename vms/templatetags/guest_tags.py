"""What a guest told of itself, on pages."""

from datetime import datetime

from django import template

from vms.models import VirtualMachine
from vms.ssh_line import ssh_line

register = template.Library()


@register.filter
def ssh(vm: VirtualMachine) -> str:
    """The line that signs in; empty while user or address is not known."""
    return ssh_line(vm.login_user, vm.guest.get("addresses", []))


@register.filter
def told_at(vm: VirtualMachine) -> datetime | None:
    """When its agent told that."""
    text = vm.guest.get("read_at", "")
    return datetime.fromisoformat(text) if text else None
