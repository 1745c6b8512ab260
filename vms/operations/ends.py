"""What ends have in common: facts handed to the mirror's writer, reservations settled or released."""

from collections.abc import Callable
from datetime import datetime

from quotas import reservations
from vms.cluster import Cluster
from vms.cluster.errors import ClusterError
from vms.cluster.types import GuestConfig, GuestStatus
from vms.mirror.apply import apply_guest
from vms.models import Operation
from vms.operations import base, finding, words
from vms.states import OperationState

Facts = tuple[GuestConfig, GuestStatus]


def facts_if_any(op: Operation, cluster: Cluster) -> Facts | None:
    """Fresh facts, or None where Proxmox does not give them now."""
    if not op.vm.vmid or not op.vm.smbios_uuid:
        return None
    try:
        return finding.facts_of(op, cluster)
    except ClusterError:
        return None


def apply(op: Operation, facts: Facts | None, now: datetime) -> None:
    """Hands facts to the one writer of observed columns, inside the end's transaction."""
    if facts is not None:
        apply_guest(op.vm, facts[0], facts[1], now)


def succeed(
    op: Operation, sentence: str, facts: Facts | None, *, also: Callable[[datetime], None] | None = None
) -> None:
    """SUCCEEDED: the room is counted from the machine's row from now on."""

    def work(now: datetime) -> None:
        apply(op, facts, now)
        if facts is not None:
            reservations.settle(op.reservation_id)
        else:
            reservations.release(op.reservation_id)
        if also is not None:
            also(now)

    told = words.with_notes(op, sentence)
    detail = op.detail if told != sentence else ""
    base.finish(op, OperationState.SUCCEEDED, sentence=told, detail=detail, also=work)


def fail(
    op: Operation,
    sentence: str,
    detail: str,
    facts: Facts | None,
    *,
    settles: bool = False,
    also: Callable[[datetime], None] | None = None,
) -> None:
    """FAILED: the room is given back, or counted from the machine's row (`settles`) where something is left."""

    def work(now: datetime) -> None:
        apply(op, facts, now)
        (reservations.settle if settles else reservations.release)(op.reservation_id)
        if also is not None:
            also(now)

    base.finish(op, OperationState.FAILED, sentence=sentence, detail=detail, also=work)
