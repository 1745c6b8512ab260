"""Start, shut down, stop, reboot, reset, pause, resume."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import Pool, User
from vms import restraints
from vms.access import may
from vms.cluster import Cluster
from vms.cluster.errors import Denied, NoSuchGuest, WrongMachine
from vms.cluster.types import GuestRef, TaskStatus, Upid
from vms.models import Operation, VirtualMachine
from vms.operations import base, ends, finding, growth, requests, words
from vms.operations.changing import refuse_obstacle, refuse_older_page, under_lock
from vms.operations.steps import Broken, DidNotHappen, Done, Finding, Happened, Step, Verdict
from vms.operations.verb import Verb
from vms.states import Action, OperationKind, OperationState, Power
from vms.usage import Shape, shape_of

AWAKE = frozenset({Power.RUNNING, Power.PAUSED})
#: Proxmox tells whole seconds. What is younger than this proves nothing.
UPTIME_ROUNDS_S = 2
OVERRULED = "A stop was asked for while it was shutting down."


@dataclass(frozen=True)
class PowerCall:
    """One kind of power change: what is sent, how its task is called, and which powers mean that it took effect.

    `on_ha`: the task's name where Proxmox's HA manager carries it out. `effect` empty: it cannot be seen afterwards.
    """

    label: str
    send: Callable[[Cluster, GuestRef, bool], Upid]
    task: str
    effect: frozenset[Power]
    on_ha: str = ""


def _shutdown(cluster: Cluster, ref: GuestRef, force: bool) -> Upid:
    return cluster.shutdown(ref, timeout_s=settings.SHUTDOWN_WAIT_S, force_after=force)


CALLS: dict[OperationKind, PowerCall] = {
    OperationKind.START: PowerCall("Start", lambda c, ref, _: c.start(ref), "qmstart", AWAKE, "hastart"),
    OperationKind.SHUTDOWN: PowerCall("Shut down", _shutdown, "qmshutdown", frozenset({Power.STOPPED}), "hastop"),
    OperationKind.STOP: PowerCall(
        "Stop",
        lambda c, ref, force: c.stop(ref, overrule_shutdown=force),
        "qmstop",
        frozenset({Power.STOPPED}),
        "hastop",
    ),
    OperationKind.REBOOT: PowerCall(
        "Reboot", lambda c, ref, _: c.reboot(ref, timeout_s=settings.SHUTDOWN_WAIT_S), "qmreboot", frozenset()
    ),
    OperationKind.RESET: PowerCall("Reset", lambda c, ref, _: c.reset(ref), "qmreset", frozenset()),
    OperationKind.SUSPEND: PowerCall("Pause", lambda c, ref, _: c.suspend(ref), "qmpause", frozenset({Power.PAUSED})),
    OperationKind.RESUME: PowerCall("Resume", lambda c, ref, _: c.resume(ref), "qmresume", frozenset({Power.RUNNING})),
}


class PowerStep(Step):
    """One call and its task."""

    def __init__(self, kind: OperationKind, label: str = "") -> None:
        self.kind, self.call = kind, CALLS[kind]
        self.leaves_no_trace = kind in {OperationKind.RESET, OperationKind.REBOOT}
        self.name, self.label = str(kind), label or self.call.label  # type: ignore[misc]  # one class for all kinds

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Names the machine meant."""
        return finding.intent_of(finding.ref_of(op))

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """Asks for it; the gateway compares uuid and pool first."""
        return self.call.send(cluster, finding.ref_of(op), bool(op.wish.get("force")))

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """Our token's task of that kind, begun since the intent, is the only trace that proves it."""
        types = frozenset({self.call.task, self.call.on_ha} - {""})
        found = finding.own_tasks(op, cluster, types, int(op.intent["vmid"]))
        return Happened(str(found[0].upid)) if found else DidNotHappen()

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """A task that failed because the wish was fulfilled already is no failure."""
        if end is None or end.ok:
            return super().after(op, cluster, end)
        text = end.exit_text or ""
        if self.kind == OperationKind.START and "already running" in text:
            return Done("It was running already.")
        if words.LOST_RECORD in text and self._took_effect(op, cluster):
            return Done("The job's end was not recorded; the machine shows that it was done.")
        if "got timeout" in text and self.kind in {OperationKind.SHUTDOWN, OperationKind.REBOOT}:
            waited = f"{op.vm.name} has not shut down after {settings.SHUTDOWN_WAIT_S} s."
            return Broken(f"{waited} The guest may ignore the request.", text)
        return super().after(op, cluster, end)

    def _took_effect(self, op: Operation, cluster: Cluster) -> bool:
        """By the power it has now; a reboot by how long it is up."""
        _config, status = finding.facts_of(op, cluster)
        if self.kind == OperationKind.REBOOT:
            since_s = timezone.now().timestamp() - float(op.intent["at_s"])
            return Power(status.power) == Power.RUNNING and status.uptime_s + UPTIME_ROUNDS_S < since_s
        return Power(status.power) in self.call.effect


class PowerVerb(Verb):
    """A kind with one step."""

    steps: ClassVar[tuple[Step, ...]]

    def __init__(self, kind: OperationKind) -> None:
        self.kind = kind
        self.steps = (PowerStep(kind),)  # type: ignore[misc]  # one class for all kinds

    def succeed(self, op: Operation, cluster: Cluster) -> None:
        """Reads the machine once more, so that the sentence and the mirror say what is now."""
        try:
            facts = finding.facts_of(op, cluster)
        except (NoSuchGuest, WrongMachine, Denied):
            ends.succeed(op, f"{op.vm.name} was {words.VERBS[self.kind][1]}, but is no longer there.", None)
            return
        ends.succeed(op, outcome(self.kind, op.vm.name, Power(facts[1].power)), facts)

    def fail(self, op: Operation, cluster: Cluster, broken: Broken) -> None:
        """Writes why, and what the machine does now where that can be read."""
        ends.fail(op, broken.sentence, broken.detail, ends.facts_if_any(op, cluster))


def outcome(kind: OperationKind, name: str, power: Power) -> str:  # noqa: PLR0911 (a table of sentences)
    """What the machine does after a task that ended well."""
    done = words.VERBS[kind][1]
    match kind, power:
        case (OperationKind.START | OperationKind.RESUME, Power.RUNNING):
            return f"{name} is running."
        case (OperationKind.SHUTDOWN, Power.STOPPED):
            return f"{name} has shut down."
        case (OperationKind.STOP, Power.STOPPED):
            return f"{name} is stopped."
        case (OperationKind.SUSPEND, Power.PAUSED):
            return f"{name} is paused."
        case (OperationKind.REBOOT, Power.RUNNING):
            return f"{name} was rebooted and is running."
        case (OperationKind.REBOOT, Power.STOPPED):
            return f"{name} has shut down for its reboot and has not started again yet."
        case (OperationKind.RESET, _):
            return f"{name} was reset."
        case _:
            return f"{name} was {done}. Now it is {power}." if power != Power.UNKNOWN else f"{name} was {done}."


POWER: dict[OperationKind, Verb] = {kind: PowerVerb(kind) for kind in CALLS}


def request_power(
    vm: VirtualMachine, kind: OperationKind, *, by: User, address: str, key: str, force: bool = False
) -> Operation:
    """Asks for a change of power.

    `force`: a shutdown is ended hard when the guest does not obey in time; a stop does not wait for a shutdown of ours
    in progress, which then ends as overruled. A start reserves cores and memory unless they are counted already.
    Raises PermissionDenied, Refusal or QuotaExceeded; nothing was written then.
    """
    if vm.pool is None or not may(by, vm, Action(kind)):
        raise PermissionDenied(
            restraints.of_person(by, Action(kind)) or "Your role in this pool does not include that."
        )

    def open_it(locked: Pool) -> Operation:
        fresh = under_lock(vm, locked)
        refuse_obstacle(fresh, kind)
        refuse_older_page(fresh, kind, key)
        if kind == OperationKind.STOP and force:
            overrule_shutdown(fresh)
        after = counted_after(fresh, kind)
        reservation = growth.hold(locked, shape_of(fresh), after, f"start {fresh.name}") if after is not None else None
        return requests.open_operation(
            fresh,
            locked,
            kind,
            POWER[kind].steps,
            by=by,
            address=address,
            key=key,
            wish={"force": force},
            reservation=reservation,
        )

    return requests.accept(by, vm.pool, key, open_it)


def counted_after(vm: VirtualMachine, kind: OperationKind) -> Shape | None:
    """The machine as it counts afterwards where the change makes it run; None where it takes no more."""
    if kind not in {OperationKind.START, OperationKind.RESUME}:
        return None
    return replace(shape_of(vm), is_awake=True)


def overrule_shutdown(vm: VirtualMachine) -> None:
    """Ends a shutdown of ours that Proxmox is working on, so that the stop need not wait for it."""
    shutdowns = Operation.objects.select_related("vm", "pool", "actor").filter(
        vm=vm, kind=OperationKind.SHUTDOWN, state=OperationState.SUBMITTED
    )
    for op in shutdowns:
        # It may have ended by itself just now; then there is nothing to overrule.
        with suppress(base.LostClaim):
            base.finish(op, OperationState.FAILED, sentence=OVERRULED, also=lambda _now: None)
