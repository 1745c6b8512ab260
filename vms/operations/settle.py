"""What an RTP does with an operation that could not be found out (NEEDS_RTP).

The request half is called by a page and needs no access to the cluster; a worker carries it out. Each act writes an
audit row.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import audit
from accounts.access import is_rtp
from accounts.models import User
from vms.audits import about
from vms.cluster import Cluster
from vms.cluster.errors import ClusterError, Unreachable
from vms.mirror import snapshots as kept
from vms.models import Operation
from vms.operations import base, ends, finding, lifecycle, words
from vms.operations.create import remains
from vms.operations.database import decide
from vms.operations.errors import Refusal
from vms.operations.kinds import verb_of
from vms.operations.move import arrive
from vms.operations.snapshots import SNAPSHOTS
from vms.operations.steps import DidNotHappen, Finding, Happened, StillUnknown
from vms.operations.wake import wake, wake_on_commit
from vms.states import Lifecycle, OperationKind, OperationState

S = OperationState
NOT_OPEN = "This operation does not wait for an RTP any more."
DONE, NOT_DONE, RETRY = "adopt", "mark_not_done", "retry"
TASK_KNOWN = "Proxmox began a task for it, so it is not sent a second time. Look again, or say what you saw."
NOT_PROVEN = "It cannot be proven that nothing happened, so it was not sent again."
UNREADABLE = "The machine cannot be read, so it cannot be taken over. Say that it was not done, or look again."
READING = "The portal is reading the machine."
EXISTS = "Something of this machine exists. Take it over, then delete it."


# --- what a page calls ---


def look_again(op: Operation, by: User, address: str = "") -> None:
    """Sets the portal looking again, for another OPERATION_UNCERTAIN_S. Raises PermissionDenied or Refusal."""
    fresh = _open(op, by)

    def work() -> None:
        base.move(fresh, S.UNCERTAIN, uncertain_since=timezone.now(), sentence=words.not_known(fresh))
        if fresh.upid:
            base.move(fresh, S.SUBMITTED, uncertain_since=None)
        elif _is_known(fresh):
            base.move(fresh, S.CLAIMED, uncertain_since=None)
            base.move(fresh, S.QUEUED)
        _tell(fresh, by, address, "look_again")

    _decided(work)


def adopt(op: Operation, by: User, address: str = "") -> None:
    """The RTP saw that it was done. A creation is taken over only when the machine can be read.

    Raises PermissionDenied or Refusal.
    """
    _settle(op, by, address, DONE, f"{by.username} said that it was done. {READING}")


def mark_not_done(op: Operation, by: User, address: str = "") -> None:
    """The RTP saw that it was not done. Of a creation then nothing may be left. Raises PermissionDenied or Refusal."""
    _settle(op, by, address, NOT_DONE, f"{by.username} said that it was not done. {READING}")


def retry(op: Operation, by: User, address: str = "") -> None:
    """Has the same operation sent again under its own code, once a worker has proven that nothing happened.

    What was answered, refused or never sent is looked at again instead: it goes on from where it stands. Raises
    PermissionDenied, or Refusal where Proxmox began a task for it.
    """
    fresh = _open(op, by)
    if fresh.upid:
        raise Refusal(TASK_KNOWN)
    if _is_known(fresh):
        look_again(op, by, address)
        return
    _settle(op, by, address, RETRY, f"{by.username} has it tried again. The portal makes sure that nothing happened.")


def _is_known(op: Operation) -> bool:
    """Nothing is open about the last call: it was answered, it failed, or it was never made."""
    return bool(op.intent.get("answered") or op.intent.get("failed") or not op.intent.get("step"))


def _settle(op: Operation, by: User, address: str, act: str, sentence: str) -> None:
    fresh = _open(op, by)

    def work() -> None:
        wish = {**fresh.wish, "settle": {"act": act, "by": by.username}}
        base.move(fresh, S.UNCERTAIN, wish=wish, uncertain_since=timezone.now(), sentence=sentence)
        _tell(fresh, by, address, act)

    _decided(work)


def _open(op: Operation, by: User) -> Operation:
    if not is_rtp(by):
        raise PermissionDenied("Only an RTP settles this.")
    fresh = base.load(op.pk)
    if fresh is None or fresh.state != S.NEEDS_RTP:
        raise Refusal(NOT_OPEN)
    return fresh


def _decided(work: Callable[[], None]) -> None:
    try:
        decide(work)
    except base.LostClaim as error:
        raise Refusal(NOT_OPEN) from error


def _tell(op: Operation, by: User, address: str, act: str) -> None:
    audit.record(
        actor=by,
        verb=f"operation.{act}",
        pool=op.pool,
        **about(op.vm),
        address=address,
        operation=op.code,
    )
    wake_on_commit(op.pk)


# --- what a worker does ---


def carry_out(op: Operation, proxmox: Cluster) -> None:
    """Ends an UNCERTAIN operation as an RTP said, after reading the machine. Raises Unreachable: then later."""
    said = op.wish["settle"]
    if said["act"] == RETRY:
        _send_again(op, proxmox)
        return
    facts = _facts(op, proxmox)
    snapshots = _snapshots(op, proxmox, facts)
    if op.kind == OperationKind.CREATE and (facts is None) == (said["act"] == DONE):
        wish = {name: value for name, value in op.wish.items() if name != "settle"}
        base.move(op, S.NEEDS_RTP, wish=wish, sentence=UNREADABLE if facts is None else EXISTS)
    elif said["act"] == DONE and facts is not None and op.kind in {OperationKind.TRASH, OperationKind.RESTORE}:
        verb_of(op).succeed(op, proxmox)  # its end is what makes it so
    elif said["act"] == DONE:
        _done(op, facts, said["by"], snapshots)
    else:
        _not_done(op, facts, said["by"], snapshots)


def _send_again(op: Operation, proxmox: Cluster) -> None:
    """Proof first: only what provably did not happen is due anew; what did happen goes on as if it was answered."""
    wish = {name: value for name, value in op.wish.items() if name != "settle"}
    match _trace(op, proxmox):
        case Happened():
            base.move(op, S.UNCERTAIN, wish=wish, sentence=words.not_known(op))
            wake(op.pk)
        case DidNotHappen(is_safe):
            if is_safe or _is_quiet(op):
                rows = base.mark(op, op.step, "waiting")
                base.move(op, S.CLAIMED, wish=wish, intent={}, uncertain_since=None, sentence="", steps=rows)
                base.move(op, S.QUEUED)
                wake(op.pk)
        case StillUnknown(why):
            base.move(op, S.NEEDS_RTP, wish=wish, sentence=NOT_PROVEN, detail=why)


def _trace(op: Operation, proxmox: Cluster) -> Finding:
    try:
        return verb_of(op).named(op.intent["step"]).look(op, proxmox)
    except ClusterError as error:
        return StillUnknown(words.detail(error))


def _is_quiet(op: Operation) -> bool:
    """Long enough after the call for its traces to be there."""
    quiet = timedelta(seconds=settings.OPERATION_RECONCILE_QUIET_S)
    return op.intent_at is None or timezone.now() >= op.intent_at + quiet


def _done(op: Operation, facts: ends.Facts | None, who: str, snapshots: kept.Kept | None) -> None:
    def also(now: datetime) -> None:
        _write_snapshots(op, facts, snapshots, now)
        if op.kind == OperationKind.CREATE:
            lifecycle.move(op.vm, Lifecycle.READY)
        elif op.kind == OperationKind.DELETE:
            lifecycle.move(op.vm, Lifecycle.GONE, gone_at=now)
        elif op.kind == OperationKind.MOVE:
            arrive(op, now)

    seen = None if op.kind == OperationKind.DELETE else facts
    ends.succeed(op, f"{op.vm.name} was {words.VERBS[op.kind][1]}. {who} looked.", seen, also=also)


def _not_done(op: Operation, facts: ends.Facts | None, who: str, snapshots: kept.Kept | None) -> None:
    def also(now: datetime) -> None:
        _write_snapshots(op, facts, snapshots, now)
        if op.kind == OperationKind.CREATE:
            lifecycle.move(op.vm, Lifecycle.FAILED)
        elif op.kind == OperationKind.DELETE:
            lifecycle.move(op.vm, Lifecycle.READY)

    ends.fail(op, f"{op.vm.name} was not {words.VERBS[op.kind][1]}. {who} looked.", op.detail, facts, also=also)


def _facts(op: Operation, proxmox: Cluster) -> ends.Facts | None:
    try:
        if op.kind == OperationKind.CREATE and remains(op, proxmox) is None:
            return None
        return finding.facts_of(op, proxmox)
    except Unreachable:
        raise
    except ClusterError:
        return None


def _snapshots(op: Operation, proxmox: Cluster, facts: ends.Facts | None) -> kept.Kept | None:
    """What memory they keep takes disk: it has to count from the moment the room held for it is given back."""
    return kept.read(proxmox, facts[0], op.vm.snapshots) if facts is not None and op.kind in SNAPSHOTS else None


def _write_snapshots(op: Operation, facts: ends.Facts | None, snapshots: kept.Kept | None, now: datetime) -> None:
    if facts is not None and snapshots is not None:
        kept.apply_snapshots(op.vm, snapshots, facts[0].digest, now)


#: What an RTP can say of an operation that could not be found out, by the word of its button.
ACTS = {"look_again": look_again, "adopt": adopt, "mark_not_done": mark_not_done, "retry": retry}
