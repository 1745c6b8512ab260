"""The request half of every change to a machine that exists: right, state, growth and rows in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import Pool, User
from quotas.locking import lock_pools
from vms import form_keys, restraints
from vms.access import may
from vms.models import Operation, VirtualMachine
from vms.operations import growth, requests, words
from vms.operations.errors import Refusal
from vms.operations.rights import PORTAL
from vms.operations.steps import Step
from vms.states import Action, OperationKind, OperationState, obstacle
from vms.usage import Shape, shape_of

NO_RIGHT = "Your role in this pool does not include that."
NO_POOL = "It is in no pool of the portal yet."
#: Its row has left the slot: what is asked of it could only be asked of whoever sits there now.
REPLACED = "Proxmox does not show it any more: another machine has its number."
#: Afterwards the machine looks as it did before, so that its state tells nobody that it was done.
TRACELESS = frozenset({OperationKind.REBOOT, OperationKind.RESET, OperationKind.ROLL_BACK})
AGAIN = "Ask once more if you want it a second time."


@dataclass(frozen=True)
class Change:
    """What is wished: the operation's `wish`, and the machine's shape afterwards (None: it takes no more than now)."""

    wish: dict[str, Any]
    after: Shape | None = None


def request_change(
    vm: VirtualMachine,
    kind: OperationKind,
    steps: tuple[Step, ...],
    plan: Callable[[VirtualMachine], Change],
    *,
    by: User | None,
    address: str,
    key: str,
    into: Pool | None = None,
) -> Operation:
    """Asks for a change of `vm`; `plan` says which one, looking at the row as it is under the lock.

    `by` None: the portal itself asks; the wish then gets "by_portal". `into`: the pool that receives the machine and
    has to have the room for all of it. Both pools are locked, in the order of their ids; then the machine's row.
    Raises PermissionDenied, QuotaExceeded, or Refusal (`plan` may, too); nothing was written then.
    """
    if vm.pool is None:
        raise Refusal(f"{vm.name} cannot be {words.VERBS[kind][1]}. {NO_POOL}")
    if by is not None and not may(by, vm, Action(kind)):
        raise PermissionDenied(restraints.of_person(by, Action(kind)) or NO_RIGHT)
    home = vm.pool

    def open_it(locked: Pool) -> Operation:
        if into is not None:
            lock_pools(home.pk, into.pk)
        fresh = under_lock(vm, home)
        refuse_obstacle(fresh, kind)
        refuse_older_page(fresh, kind, key)
        wanted = plan(fresh)
        target, before = (into, None) if into is not None else (locked, shape_of(fresh))
        purpose = f"{kind} {fresh.name}"
        reservation = growth.hold(target, before, wanted.after, purpose) if wanted.after is not None else None
        wish = wanted.wish if by is not None else {**wanted.wish, "by_portal": True}
        return requests.open_operation(
            fresh, target, kind, steps, by=by, address=address, key=key, wish=wish, reservation=reservation
        )

    return requests.accept(by, _first(home, into), key, open_it)


def under_lock(vm: VirtualMachine, pool: Pool) -> VirtualMachine:
    """The machine's row, locked, after its pool's; Refusal where it was moved out of that pool meanwhile."""
    rows = VirtualMachine.objects.select_for_update(of=("self",), no_key=True).select_related("pool__owner")
    fresh = rows.get(pk=vm.pk)
    if fresh.pool_id != pool.pk:
        raise Refusal(f"{fresh.name} was moved to another pool meanwhile. Load the page again.")
    return fresh


def _first(home: Pool, into: Pool | None) -> Pool:
    """Whichever pool has the smaller id is locked first, so that two movers never wait for each other."""
    return home if into is None or home.pk < into.pk else into


def refuse_obstacle(vm: VirtualMachine, kind: OperationKind) -> None:
    """Raises Refusal where the machine's state, the trash, its lock or its owner's does not allow it."""
    action = Action(kind)
    why = restraints.of_lock(vm, action) or restraints.of_trash(vm, action)
    why = why or obstacle(action, vm.lifecycle, vm.power)  # type: ignore[arg-type]  # columns hold the enums' values
    why = why or (REPLACED if vm.vmid is None else "")
    if why:
        raise Refusal(f"{vm.name} cannot be {words.VERBS[kind][1]}. {why}")


def refuse_older_page(vm: VirtualMachine, kind: OperationKind, key: str) -> None:
    """Raises Refusal where the same was done after the page was made, of a kind that a machine does not show.

    So a second tab does not repeat what the first one asked for. Any other kind is refused by the machine's state.
    """
    seen_at = form_keys.made_at(key)
    if kind not in TRACELESS or seen_at is None:
        return
    done = Operation.objects.filter(vm=vm, kind=kind, state=OperationState.SUCCEEDED, created_at__gt=seen_at).first()
    if done is not None and done.finished_at is not None:
        at = f"{timezone.localtime(done.finished_at):%H:%M}"
        raise Refusal(f"{vm.name} was {words.VERBS[kind][1]} at {at}, after this page was loaded. {AGAIN}")


__all__ = ["PORTAL", "Change", "refuse_obstacle", "refuse_older_page", "request_change"]
