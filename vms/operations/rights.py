"""The actor's right, read again at the moment of use."""

from datetime import datetime

from accounts.access import is_rtp, role_in
from accounts.models import Pool, User
from accounts.roles import Role
from vms import leasing
from vms.access import may
from vms.models import Operation, VirtualMachine
from vms.states import Action, OperationKind

#: Who asks when the portal itself cleans up.
PORTAL = "portal"


def may_create(user: User, pool: Pool) -> bool:
    """Managers of the pool and RTPs create machines in it; nobody does who left the house."""
    return user.departed_at is None and may_manage(user, pool)


def may_manage(user: User, pool: Pool) -> bool:
    """Managers of the pool and RTPs tidy up in it; who left the house too, in the own one."""
    role = role_in(pool, user)
    return is_rtp(user) or (role is not None and role.includes(Role.MANAGER))


def still_allowed(op: Operation) -> bool:
    """True when whoever asked may do it now, by the database as it is now."""
    if op.actor_id is None:
        return op.actor_name == PORTAL and bool(op.wish.get("by_portal")) and _is_still_due(op)
    actor = User.objects.filter(pk=op.actor_id).first()
    if actor is None:
        return False
    if op.kind == OperationKind.CREATE:
        return may_create(actor, Pool.objects.get(pk=op.pool_id)) and _may_copy(actor, op)
    vm = VirtualMachine.objects.select_related("pool").get(pk=op.vm_id)
    if op.kind == OperationKind.MOVE and not may_create(actor, Pool.objects.get(pk=op.pool_id)):
        return False
    return may(actor, vm, Action(op.kind))


def _may_copy(actor: User, op: Operation) -> bool:
    """For a copy: the pool of the machine that is copied is the person's to manage, too, until it is made."""
    if "machine" not in op.wish or op.vm.smbios_uuid is not None:
        return True
    pool = Pool.objects.filter(vms=op.wish["machine"]).first()
    return pool is not None and may_create(actor, pool)


def _is_still_due(op: Operation) -> bool:
    """What the portal itself asked for is read again at the moment of the call: a renewal, a restoring, a lock wins."""
    return _is_departure_still(op) and _is_end_still(op)


def _is_end_still(op: Operation) -> bool:
    """The lease, or the time in the trash, ends when it did as this was asked for, and nothing holds it back."""
    wanted = {name: op.wish[name] for name in ("lease_end", "trash_end") if name in op.wish}
    if not wanted:
        return True
    vm = VirtualMachine.objects.select_related("pool").get(pk=op.vm_id)
    ends = {"lease_end": vm.lease_until, "trash_end": vm.trash_until}
    is_same = all(ends[name] == datetime.fromisoformat(at) for name, at in wanted.items())
    has_end = "lease_end" not in wanted or leasing.is_dated(vm)
    return is_same and has_end and vm.locked_at is None and not leasing.is_held(op)


def _is_departure_still(op: Operation) -> bool:
    """A shutdown at the end of a departure is for the own pool of somebody who is still away; others need no more."""
    if "departed" not in op.wish:
        return True
    owner = User.objects.filter(personal_pool__vms=op.vm_id).first()
    return owner is not None and owner.pk == op.wish["departed"] and owner.departed_at is not None
