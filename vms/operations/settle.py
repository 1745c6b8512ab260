"""What an RTP does with an operation that could not be found out (NEEDS_RTP).

The request half is called by a page and needs no access to the cluster; a worker carries it out. Each act writes an
audit row.
"""

from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import audit
from accounts.access import is_rtp
from accounts.models import User
from vms.cluster import Cluster
from vms.cluster.errors import ClusterError, Unreachable
from vms.models import Operation
from vms.operations import base, ends, finding, lifecycle, words
from vms.operations.create import remains
from vms.operations.database import decide
from vms.operations.errors import Refusal
from vms.operations.wake import wake_on_commit
from vms.states import Lifecycle, OperationKind, OperationState

S = OperationState
NOT_OPEN = "This operation does not wait for an RTP any more."
DONE, NOT_DONE = "adopt", "mark_not_done"
UNREADABLE = "The machine cannot be read, so it cannot be taken over. Say that it was not done, or look again."
EXISTS = "Something of this machine exists. Take it over, then delete it."


# --- what a page calls ---


def look_again(op: Operation, by: User, address: str = "") -> None:
    """Sets the portal looking again, for another OPERATION_UNCERTAIN_S. Raises PermissionDenied or Refusal."""
    fresh = _open(op, by)

    def work() -> None:
        intent = fresh.intent
        is_known = bool(intent.get("answered") or intent.get("failed") or not intent.get("step"))
        base.move(fresh, S.UNCERTAIN, uncertain_since=timezone.now(), sentence=words.not_known(fresh))
        if fresh.upid:
            base.move(fresh, S.SUBMITTED, uncertain_since=None)
        elif is_known:
            base.move(fresh, S.CLAIMED, uncertain_since=None)
            base.move(fresh, S.QUEUED)
        _tell(fresh, by, address, "look_again")

    _decided(work)


def adopt(op: Operation, by: User, address: str = "") -> None:
    """The RTP saw that it was done. A creation is taken over only when the machine can be read.

    Raises PermissionDenied or Refusal.
    """
    _settle(op, by, address, DONE, "that it was done")


def mark_not_done(op: Operation, by: User, address: str = "") -> None:
    """The RTP saw that it was not done. Of a creation then nothing may be left. Raises PermissionDenied or Refusal."""
    _settle(op, by, address, NOT_DONE, "that it was not done")


def _settle(op: Operation, by: User, address: str, act: str, said: str) -> None:
    fresh = _open(op, by)

    def work() -> None:
        wish = {**fresh.wish, "settle": {"act": act, "by": by.username}}
        sentence = f"{by.username} said {said}. The portal is reading the machine."
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
        target_kind="vm",
        target_id=op.vm_id,
        target_name=op.vm.name,
        machine_uuid=op.vm.smbios_uuid,
        address=address,
        operation=op.code,
    )
    wake_on_commit(op.pk)


# --- what a worker does ---


def carry_out(op: Operation, proxmox: Cluster) -> None:
    """Ends an UNCERTAIN operation as an RTP said, after reading the machine. Raises Unreachable: then later."""
    said = op.wish["settle"]
    facts = _facts(op, proxmox)
    if op.kind == OperationKind.CREATE and (facts is None) == (said["act"] == DONE):
        wish = {name: value for name, value in op.wish.items() if name != "settle"}
        base.move(op, S.NEEDS_RTP, wish=wish, sentence=UNREADABLE if facts is None else EXISTS)
    elif said["act"] == DONE:
        _done(op, facts, said["by"])
    else:
        _not_done(op, facts, said["by"])


def _done(op: Operation, facts: ends.Facts | None, who: str) -> None:
    def also(now: datetime) -> None:
        if op.kind == OperationKind.CREATE:
            lifecycle.move(op.vm, Lifecycle.READY)
        elif op.kind == OperationKind.DELETE:
            lifecycle.move(op.vm, Lifecycle.GONE, gone_at=now)

    seen = None if op.kind == OperationKind.DELETE else facts
    ends.succeed(op, f"{op.vm.name} was {words.VERBS[op.kind][1]}. {who} looked.", seen, also=also)


def _not_done(op: Operation, facts: ends.Facts | None, who: str) -> None:
    def also(now: datetime) -> None:
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
