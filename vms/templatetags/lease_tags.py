"""Leases on pages."""

from django import template
from django.utils import timezone

from vms.lease_page import Expiry, expiry_of
from vms.models import VirtualMachine

register = template.Library()


@register.filter
def expiry(vm: VirtualMachine) -> Expiry | None:
    """When the machine expires, in words; None where there is nothing to say."""
    return expiry_of(vm, timezone.now())


@register.filter
def days_left_in_trash(vm: VirtualMachine) -> str:
    """'6 days left', 'today'."""
    if vm.trash_until is None:
        return ""
    days = (timezone.localtime(vm.trash_until).date() - timezone.localdate()).days
    return f"{days} day{'' if days == 1 else 's'} left" if days > 0 else "today"


@register.filter
def next_of(tab: str) -> str:
    """Where a renewal goes on: the console page, or the machine's."""
    return "console" if tab == "console" else ""
