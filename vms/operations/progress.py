"""How far a running Proxmox task is, by its own log: the note beside the step that people watch.

Proxmox has no other figure for a copy than the lines `transferred 1.2 GiB of 5.0 GiB (24.00%)` of its log.
"""

import re
from collections.abc import Iterable

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError
from vms.cluster.types import Upid
from vms.models import Operation
from vms.operations import base
from vms.operations.database import decide
from vms.states import OperationState

TRANSFERRED = re.compile(r"transferred (?P<done>[\d.]+ \w+) of (?P<all>[\d.]+ \w+) \((?P<percent>\d+)(?:\.\d+)?%\)")
#: Proxmox answers from a line on; a log of this many lines has said enough.
MOST_LINES = 2000


def note_of(lines: Iterable[str]) -> str:
    """'3.1 GiB of 5.0 GiB (62 %)' by the last line that tells; empty where none does."""
    found = [match for line in lines if (match := TRANSFERRED.search(line))]
    return f"{found[-1]['done']} of {found[-1]['all']} ({found[-1]['percent']} %)" if found else ""


def tell(op: Operation, cluster: Cluster, upid: Upid) -> str:
    """Reads the log of the task the operation waits for and writes the note; one that is not given is no harm."""
    try:
        note = note_of(cluster.task_log(upid, limit=MOST_LINES))
    except ClusterError:
        return ""
    if note and note != _shown(op):
        _write(op, note)
    return note


def _shown(op: Operation) -> str:
    return next((str(row.get("note", "")) for row in op.steps if row["name"] == op.step), "")


def _write(op: Operation, note: str) -> None:
    """Only while it is the same wait: whoever claimed it meanwhile writes its steps."""
    rows = base.mark(op, op.step, "running", note=note)
    waiting = Operation.objects.filter(pk=op.pk, state=OperationState.SUBMITTED, attempts=op.attempts, upid=op.upid)
    if decide(lambda: waiting.update(steps=rows)):
        op.steps = rows
