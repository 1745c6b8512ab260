"""What an RTP does with an operation that could not be found out (NEEDS_RTP). Each act writes an audit row."""

from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import audit
from accounts.access import is_rtp
from accounts.models import User
from vms.cluster import cluster
from vms.cluster.errors import ClusterError
from vms.models import Operation
from vms.operations import base, ends, lifecycle, words
from vms.operations.create import remains
from vms.operations.database import decide
from vms.operations.errors import Refusal
from vms.operations.wake import wake_on_commit
from vms.states import Lifecycle, OperationKind, OperationState

S = OperationState
NOT_OPEN = "This operation does not wait for an RTP any more."


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
        _audit(fresh, by, address, "look_again")
        wake_on_commit(fresh.pk)

    _decided(work)


def adopt(op: Operation, by: User, address: str = "") -> None:
    """The RTP saw that it was done. A creation needs the machine to be readable. Raises PermissionDenied or Refusal."""
    fresh = _open(op, by)
    facts = _facts(fresh)
    if fresh.kind == OperationKind.CREATE and facts is None:
        raise Refusal(
            "The machine cannot be read, so it cannot be taken over. Say that it was not done, or look again."
        )

    def also(now: datetime) -> None:
        if fresh.kind == OperationKind.CREATE:
            lifecycle.move(fresh.vm, Lifecycle.READY)
        elif fresh.kind == OperationKind.DELETE:
            lifecycle.move(fresh.vm, Lifecycle.GONE, gone_at=now)
        _audit(fresh, by, address, "adopt")

    sentence = f"{fresh.vm.name} was {words.VERBS[fresh.kind][1]}. {by.username} looked."
    facts = None if fresh.kind == OperationKind.DELETE else facts
    _decided(lambda: ends.succeed(fresh, sentence, facts, also=also))


def mark_not_done(op: Operation, by: User, address: str = "") -> None:
    """The RTP saw that it was not done. Of a creation then nothing may be left. Raises PermissionDenied or Refusal."""
    fresh = _open(op, by)
    facts = _facts(fresh)
    if fresh.kind == OperationKind.CREATE and facts is not None:
        raise Refusal("Something of this machine exists. Take it over, then delete it.")

    def also(now: datetime) -> None:
        if fresh.kind == OperationKind.CREATE:
            lifecycle.move(fresh.vm, Lifecycle.FAILED)
        elif fresh.kind == OperationKind.DELETE:
            lifecycle.move(fresh.vm, Lifecycle.READY)
        _audit(fresh, by, address, "mark_not_done")

    sentence = f"{fresh.vm.name} was not {words.VERBS[fresh.kind][1]}. {by.username} looked."
    _decided(lambda: ends.fail(fresh, sentence, fresh.detail, facts, also=also))


def _open(op: Operation, by: User) -> Operation:
    if not is_rtp(by):
        raise PermissionDenied("Only an RTP settles this.")
    fresh = base.load(op.pk)
    if fresh is None or fresh.state != S.NEEDS_RTP:
        raise Refusal(NOT_OPEN)
    return fresh


def _facts(op: Operation) -> ends.Facts | None:
    try:
        proxmox = cluster()
        if op.kind == OperationKind.CREATE and remains(op, proxmox) is None:
            return None
    except ClusterError as error:
        if op.kind == OperationKind.CREATE:
            raise Refusal("Proxmox does not answer right now. Nothing was changed.") from error
        return None
    return ends.facts_if_any(op, proxmox)


def _decided(work: Callable[[], None]) -> None:
    try:
        decide(work)
    except base.LostClaim as error:
        raise Refusal(NOT_OPEN) from error


def _audit(op: Operation, by: User, address: str, act: str) -> None:
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
