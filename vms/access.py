"""The single way from a URL to a machine."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from accounts.access import Person, is_rtp, role_in
from accounts.models import User
from accounts.roles import Role
from vms import restraints
from vms.models import VirtualMachine
from vms.states import SETTINGS, Action

NEEDED_ROLE: dict[Action, Role] = {
    Action.VIEW: Role.VIEWER,
    Action.CONSOLE: Role.VIEWER,
    Action.CONTROL: Role.OPERATOR,
    Action.START: Role.OPERATOR,
    Action.SHUTDOWN: Role.OPERATOR,
    Action.STOP: Role.OPERATOR,
    Action.REBOOT: Role.OPERATOR,
    Action.RESET: Role.OPERATOR,
    Action.SUSPEND: Role.OPERATOR,
    Action.RESUME: Role.OPERATOR,
    Action.DELETE: Role.MANAGER,
    Action.APPLY: Role.OPERATOR,
    Action.TRASH: Role.MANAGER,
    Action.RESTORE: Role.MANAGER,
    **dict.fromkeys(SETTINGS, Role.MANAGER),
}


def vm_for(user: Person, vm_id: int, action: Action) -> VirtualMachine:
    """The machine, if this person may do `action` to it.

    Raises Http404 (foreign and missing look alike) or PermissionDenied (may look, may not do that).
    """
    vm = VirtualMachine.objects.select_related("pool", "pool__owner").filter(pk=vm_id).first()
    if vm is None or not isinstance(user, User) or not may(user, vm, Action.VIEW):
        raise Http404("No machine of yours is here.")
    if not may(user, vm, action):
        raise PermissionDenied(restraints.of_person(user, action) or "Your role in this pool does not include that.")
    return vm


def may(user: User, vm: VirtualMachine, action: Action) -> bool:
    """The rule itself, from the database as it is now."""
    if vm.pool is None:
        return is_rtp(user) and action == Action.VIEW
    if vm.pool.proxmox_poolid is None and action != Action.VIEW:
        return False
    return is_rtp(user) or by_role(user, vm, action)


def by_role(user: User, vm: VirtualMachine, action: Action) -> bool:
    """True when the person's own role in the machine's pool includes the action; less after leaving the house."""
    role = role_in(vm.pool, user) if vm.pool else None
    return role is not None and role.includes(NEEDED_ROLE[action]) and not restraints.is_over_for(user, action)


def by_power(user: User, vm: VirtualMachine, action: Action) -> bool:
    """True when the person may do it as an RTP only: that takes a fresh proof."""
    return is_rtp(user) and not by_role(user, vm, action)
