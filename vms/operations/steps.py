"""What an operation is made of: steps, what they find out, and the list of them a page shows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError
from vms.cluster.types import TaskStatus, Upid
from vms.models import Operation
from vms.operations import hooks, words


@dataclass(frozen=True, slots=True)
class Happened:
    """What was sent took place. `upid` of the Proxmox task to follow, or "" where the effect itself was seen."""

    upid: str = ""


@dataclass(frozen=True, slots=True)
class DidNotHappen:
    """Proxmox shows no trace of it. `is_safe`: sending again can do no harm, so there is nothing to wait for."""

    is_safe: bool = False


@dataclass(frozen=True, slots=True)
class StillUnknown:
    """It cannot be told yet. `why` is for RTPs."""

    why: str = ""


Finding = Happened | DidNotHappen | StillUnknown


@dataclass(frozen=True, slots=True)
class Done:
    """The step is through. `note` is shown beside it."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Again:
    """Provably nothing happened; the step is sent anew (with another vmid or pool name, for instance)."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Provably nothing happened; the step is sent anew a little later. `why` is a sentence for members."""

    note: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """The operation ends here. `sentence` is true and complete; `detail` holds Proxmox's words."""

    sentence: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unsure:
    """Nobody can tell whether it was done: the job's record is lost and the machine shows no trace. An RTP looks."""

    detail: str = ""


Verdict = Done | Again | Wait | Broken | Unsure


class Step:
    """One thing asked of Proxmox. `sent` once per intent; a lost answer is looked into by `look`.

    `name` is stored, `label` is what people read while it waits, runs or is done (empty: not shown).
    """

    name: ClassVar[str] = ""
    label: ClassVar[str] = ""
    #: Afterwards the machine looks the same whether it was done or not.
    leaves_no_trace: bool = False

    def is_needed(self, op: Operation) -> bool:
        """False leaves the step out."""
        return True

    def prepare(self, op: Operation, cluster: Cluster) -> "dict[str, Any] | Broken":
        """What is about to be sent. Saved as the intent before `send`; may take numbers and names (saved too)."""
        return {}

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """Asks Proxmox, once. The task's UPID, or None where it is done at once. Raises ClusterError."""
        raise NotImplementedError

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """Reads whether what `op.intent` says took place. Never sends. Raises ClusterError."""
        raise NotImplementedError

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """What an error of `send` after which nothing was changed means."""
        return Broken(words.refusal(op, error), words.detail(error))

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """What the task's end means (None: there was no task, or its effect was seen). May run twice."""
        if end is None or end.ok:
            return Done(words.WARNED if end and end.warnings else "")
        if self.leaves_no_trace and words.LOST_RECORD in (end.exit_text or ""):
            return Unsure(end.exit_text or "")
        return Broken(words.task_failure(op, end.exit_text or ""), end.exit_text or "")


class HookStep(Step):
    """Calls what is registered at a point."""

    def __init__(self, point: hooks.Point, label: str = "") -> None:
        self.point = point
        self.name, self.label = str(point), label  # type: ignore[misc]  # one class for all points

    def is_needed(self, op: Operation) -> bool:
        """Only where something is registered."""
        return hooks.any_at(self.point)

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """Calls the hooks; HookFailed ends the operation."""
        hooks.call(self.point, op)
        return None

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """Hooks are repeatable."""
        return DidNotHappen(is_safe=True)


def listed(steps: tuple[Step, ...], op: Operation, now: datetime) -> list[dict[str, Any]]:
    """The list a page shows: the limits are checked already, the rest waits."""
    checked = {"name": "limits", "label": "Check limits", "state": "done", "at": now.isoformat(), "note": ""}
    waiting = [
        {"name": step.name, "label": step.label, "state": "waiting", "at": "", "note": ""}
        for step in steps
        if step.label and step.is_needed(op)
    ]
    return [checked, *waiting]


def marked(
    rows: list[dict[str, Any]], name: str, state: str, now: datetime, *, note: str = "", upid: str = ""
) -> list[dict[str, Any]]:
    """The list with one step changed. UPIDs are kept, so that a later look does not take them for its own."""
    changed = []
    for row in rows:
        fresh = dict(row)
        if row["name"] == name:
            fresh |= {"state": state, "at": now.isoformat(), "note": note}
            if upid:
                fresh["upids"] = [*row.get("upids", []), upid]
        changed.append(fresh)
    return changed
