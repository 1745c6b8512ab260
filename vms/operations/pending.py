"""What waits for the next start: take it back, or restart so that it holds."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar, Unpack

from django.conf import settings
from django.utils import timezone

from quotas.errors import QuotaExceeded
from quotas.locking import lock_pool
from vms.cluster import Cluster
from vms.cluster.devices import boot_order
from vms.cluster.errors import ClusterError, Denied, NoSuchGuest, WrongMachine
from vms.cluster.types import GuestChanges, GuestConfig, TaskStatus
from vms.models import Operation, VirtualMachine
from vms.operations import base, ends, finding, growth, words
from vms.operations.changing import Change, request_change
from vms.operations.database import decide
from vms.operations.edits import ChangeVerb
from vms.operations.errors import Refusal
from vms.operations.hardware import Setting, SettingVerb, Who, ask
from vms.operations.power import PowerStep
from vms.operations.steps import Broken, Step, Verdict
from vms.states import OperationKind, Power
from vms.usage import shape_of

NOTHING_WAITS = "Nothing waits for a restart."


class TakeBack(Setting):
    """Changes that were asked for and are not in force are forgotten."""

    label = "Take back what waits"

    def keys(self, op: Operation) -> tuple[str, ...]:
        """The options named."""
        return tuple(op.wish["keys"])

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """None of them waits."""
        return config.pending_keys.isdisjoint(op.wish["keys"])

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """Those of them that still wait."""
        wanted = config.pending_keys.intersection(op.wish["keys"])
        return GuestChanges(forget=tuple(sorted(wanted | _order_with(config, wanted))))

    def told(self, op: Operation) -> str:
        """That they are no longer wanted."""
        return f"What waited for a restart of {op.vm.name} was taken back."


def _order_with(config: GuestConfig, keys: frozenset[str]) -> frozenset[str]:
    """Proxmox puts a new drive into the boot order, and takes a removed one out: that is taken back with it."""
    order = next((each for each in config.waiting if each.key == "boot"), None)
    if order is None:
        return frozenset()
    now, later = set(boot_order(order.now)), set(boot_order(order.later))
    return frozenset() if keys.isdisjoint(now ^ later) else frozenset({"boot"})


class GoDown(PowerStep):
    """A shutdown that is never forced."""

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """A guest that does not obey keeps running, and its changes keep waiting."""
        if end is not None and not end.ok and "got timeout" in (end.exit_text or ""):
            return Broken(
                f"{op.vm.name} has not shut down after {settings.SHUTDOWN_WAIT_S} s, so it was not restarted. "
                "Nothing was forced: it runs on, and the changes wait.",
                end.exit_text or "",
            )
        return super().after(op, cluster, end)


class ComeUp(PowerStep):
    """The start that makes the changes hold. Between the two its room may have been given away: that is looked at."""

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Writes that it is down, and holds what it takes when it runs, in one moment under the pool's lock."""
        try:
            facts = finding.facts_of(op, cluster)
        except (NoSuchGuest, WrongMachine, Denied) as error:
            return Broken(f"{op.vm.name} has shut down, but is no longer where it was.", words.detail(error))
        if op.reservation_id is None and Power(facts[1].power) == Power.STOPPED:
            try:
                decide(lambda: _hold(op, facts))
            except (QuotaExceeded, Refusal) as error:
                return Broken(f"{op.vm.name} has shut down, but was not started again. {error.sentence}")
        return super().prepare(op, cluster)

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """It is down by now, and stays so."""
        sentence = f"{op.vm.name} has shut down, but did not start again. {words.cause(error)}"
        return Broken(sentence.strip(), words.detail(error))

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """A start that fails leaves it stopped; the sentence says so."""
        verdict = super().after(op, cluster, end)
        if not isinstance(verdict, Broken):
            return verdict
        why = words.reason(verdict.detail)
        return Broken(f"{op.vm.name} has shut down, but did not start again. {why}".strip(), verdict.detail)


def _hold(op: Operation, facts: ends.Facts) -> None:
    pool = lock_pool(op.pool_id)
    ends.apply(op, facts, timezone.now())
    shape = shape_of(op.vm)
    op.reservation = growth.hold(pool, shape, replace(shape, is_awake=True), f"start {op.vm.name}")
    if op.reservation is not None:
        base.write(op, reservation=op.reservation)


class Apply(ChangeVerb):
    """One operation: down, then up."""

    steps: ClassVar[tuple[Step, ...]] = (
        GoDown(OperationKind.SHUTDOWN, "Shut down"), ComeUp(OperationKind.START, "Start"),
    )  # fmt: skip

    def sentence(self, op: Operation, config: GuestConfig | None) -> str:
        """Whether everything holds now."""
        if config is not None and config.pending_keys:
            return f"{op.vm.name} was restarted. Some changes still wait; look at its hardware."
        return f"{op.vm.name} was restarted. What waited holds now."


UNDO = SettingVerb(OperationKind.UNDO, TakeBack())
PENDING: dict[OperationKind, ChangeVerb] = {OperationKind.UNDO: UNDO, OperationKind.APPLY: Apply()}


def request_undo(vm: VirtualMachine, *, keys: Iterable[str] = (), digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for waiting changes to be taken back: those named, by Proxmox's option names, or all of them. Fields: keys.

    A disk that waits to be added becomes a detached one.
    """
    named = list(dict.fromkeys(keys))

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        waiting = fresh.hardware.get("pending_keys", [])
        if not waiting:
            raise Refusal(NOTHING_WAITS, "keys")
        if any(key not in waiting for key in named):
            raise Refusal("That does not wait any more. Load the page again.", "keys")
        return {"keys": named or list(waiting)}

    return ask(vm, UNDO, plan, digest, who)


def request_apply(vm: VirtualMachine, **who: Unpack[Who]) -> Operation:
    """Asks for a shutdown (the guest gets SHUTDOWN_WAIT_S, nothing is forced) and then a start.

    Refused where nothing waits any more: a second tab must not restart the machine once more for nothing.
    """

    def plan(fresh: VirtualMachine) -> Change:
        if not fresh.hardware.get("pending_keys"):
            raise Refusal(NOTHING_WAITS)
        return Change({})

    return request_change(vm, OperationKind.APPLY, PENDING[OperationKind.APPLY].steps, plan, **who)
