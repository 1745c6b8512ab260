"""What keeps a machine from being used although a role would allow it: a departure, its lock, its owner's lock."""

from accounts import departures
from accounts.access import is_rtp
from accounts.models import Pool, User
from vms.models import VirtualMachine
from vms.states import SETTINGS, Action

#: What somebody who left the house may still do with the machines of the own pool, until they are shut down.
DEPARTED_MAY = frozenset(
    {
        Action.VIEW,
        Action.CONSOLE,
        Action.CONTROL,
        Action.SHUTDOWN,
        Action.STOP,
        Action.DELETE,
        Action.TRASH,
        Action.RESTORE,
    }
)
#: What the lock of a machine keeps everybody from, RTPs too. Its console it keeps from members only.
LOCK_STOPS = SETTINGS | {
    Action.START, Action.RESUME, Action.REBOOT, Action.RESET, Action.DELETE, Action.APPLY, Action.TRASH, Action.RESTORE,
}  # fmt: skip
#: What the trash leaves: looking, going back, going for good, and switching off what somebody started in Proxmox.
TRASH_LEAVES = frozenset({Action.VIEW, Action.RESTORE, Action.DELETE, Action.STOP, Action.SHUTDOWN})
#: What the lock of a person keeps everybody from, in that person's own pool.
OWNER_LOCK_STOPS = frozenset({Action.START, Action.RESUME, Action.APPLY})


def is_over_for(user: User, action: Action) -> bool:
    """True where the person left the house and the action went with it."""
    return user.departed_at is not None and action not in DEPARTED_MAY


def of_person(user: User, action: Action) -> str:
    """Why somebody who left the house may not do that any more, with the dates; empty where they may."""
    return departures.notice(user) if is_over_for(user, action) else ""


def of_lock(vm: VirtualMachine, action: Action) -> str:
    """Why a lock keeps everybody from that, in a sentence; empty where none does."""
    if vm.locked_at is not None and action in LOCK_STOPS:
        return f"An RTP locked this VM: {vm.lock_reason}"
    return of_owner(vm.pool) if vm.pool and action in OWNER_LOCK_STOPS else ""


def of_owner(pool: Pool) -> str:
    """That the owner of a personal pool is locked and why; empty where nobody is."""
    owner = pool.owner
    if owner is None or owner.locked_at is None:
        return ""
    return f"An RTP locked the account of {owner.username}: {owner.lock_reason}"


def of_console(user: User, vm: VirtualMachine) -> str:
    """Why a lock keeps the person from the machine's screen; empty for RTPs, who may look at what they locked."""
    if vm.locked_at is None or is_rtp(user):
        return ""
    return f"An RTP locked this VM: {vm.lock_reason}"


def of_trash(vm: VirtualMachine, action: Action) -> str:
    """That the machine lies in the trash, or that it does not; empty where the action fits."""
    if vm.trashed_at is not None and action not in TRASH_LEAVES:
        return "It is in the trash. Restore it first."
    if action != Action.RESTORE:
        return ""
    return of_closed(vm.pool) if vm.trashed_at is not None and vm.pool else "It is not in the trash."


def of_closed(pool: Pool) -> str:
    """That the pool is closed; empty where it is open."""
    return "" if pool.closed_at is None else f"The pool {pool.name} is closed: nothing new is made in it."


def of_receiver(pool: Pool) -> str:
    """Why nothing is made in this pool and nothing comes into it; empty where it takes machines."""
    if pool.owner is not None and pool.owner.departed_at is not None:
        return f"{pool.owner.username} left the house."
    return of_closed(pool) or of_owner(pool)
