"""Whether the console's bar offers to share it."""

from django import template

from accounts.models import User
from consoles import shares
from vms.models import VirtualMachine

register = template.Library()


@register.filter
def may_share(user: User, vm: VirtualMachine) -> bool:
    """Whoever controls the machine and belongs to the house."""
    return shares.may_share(user, vm)
