"""What snapshots ask of Proxmox, one class for each call.

A snapshot is meant by its name and the moment it was taken: one that was deleted and taken anew under the same name in
between is another one, and nothing is done with it.
"""

import re
from typing import Any, ClassVar

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError
from vms.cluster.types import SnapshotFacts, TaskStatus, Upid
from vms.mirror import snapshots as kept
from vms.models import Operation
from vms.operations import finding, words
from vms.operations.create_steps import OnMachine
from vms.operations.steps import Broken, DidNotHappen, Done, Finding, Happened, Verdict

GONE = "There is no snapshot of that name any more."
ANOTHER = "That snapshot was replaced by another one of the same name. Load the page again."
OTHER_UUID = (
    "It was taken while the machine had another uuid: rolled back, it would be another machine. "
    "An RTP can do it in Proxmox."
)
CANNOT = "The storage of its disks cannot keep snapshots."
#: Proxmox's words for a disk, or a kind of storage, that cannot.
CANNOT_WORDS = re.compile(
    r"snapshot feature is not available|does not support snapshots?|can't snapshot", re.IGNORECASE
)


class OnSnapshot(OnMachine):
    """One call and its task. `wish["name"]` is the snapshot meant, `wish["taken_at"]` the one the person saw."""

    task: ClassVar[str] = ""

    def of_this(self, op: Operation, cluster: Cluster) -> SnapshotFacts | None:
        """The same, once it is this machine's: one of that name in the slot can be another machine's."""
        self.config(op, cluster)
        return self.found(op, cluster)

    def found(self, op: Operation, cluster: Cluster) -> SnapshotFacts | None:
        """The snapshot as Proxmox lists it now."""
        ref = finding.ref_of(op)
        return next((one for one in cluster.snapshots(ref.node, ref.vmid) if one.name == op.wish["name"]), None)

    def why_not(self, op: Operation, found: SnapshotFacts | None) -> Broken | None:
        """Why this snapshot is not the one meant; None where it is."""
        if found is None:
            return Broken(words.did_not(op, GONE))
        if op.wish.get("taken_at") and kept.moment(found) != op.wish["taken_at"]:
            return Broken(words.did_not(op, ANOTHER))
        return None

    def traces(self, op: Operation, cluster: Cluster) -> list[str]:
        """UPIDs of our token's tasks of this kind since the intent, newest first."""
        tasks = finding.own_tasks(op, cluster, frozenset({self.task}), int(op.intent["vmid"]))
        return [str(task.upid) for task in tasks]


class Take(OnSnapshot):
    """Keeps the disks' state, and the memory's where asked."""

    name = "snapshot"
    label = "Take snapshot"
    task = "qmsnapshot"

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Nothing is sent where the name is taken; so one of that name later is the one that was sent."""
        if self.of_this(op, cluster) is not None:
            return Broken(words.did_not(op, f"There is a snapshot named {op.wish['name']} already."))
        return super().prepare(op, cluster)

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """Asks for it."""
        wish = op.wish
        return cluster.take_snapshot(
            finding.ref_of(op), wish["name"], description=wish["note"], with_memory=wish["with_memory"]
        )

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """Our task tells; else the list, where the snapshot is younger than the intent."""
        if traces := self.traces(op, cluster):
            return Happened(traces[0])
        found = self.of_this(op, cluster)
        is_young = found is not None and (found.taken_at_s or 0) >= int(float(op.intent["at_s"])) - finding.SKEW_S
        return Happened() if is_young else DidNotHappen()

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """A job whose end nobody noted is judged by the list."""
        text = (end.exit_text or "") if end and not end.ok else ""
        if "unexpected status" in text and self.found(op, cluster) is not None:
            return Done("The job's end was not recorded; the list shows the snapshot.")
        if "already used" in text:
            return Broken(words.did_not(op, f"There is a snapshot named {op.wish['name']} already."), text)
        if CANNOT_WORDS.search(text):
            return Broken(words.did_not(op, CANNOT), text)
        return super().after(op, cluster, end)

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """Some releases say at once what others say in the task."""
        if CANNOT_WORDS.search(error.sentence):
            return Broken(words.did_not(op, CANNOT), words.detail(error))
        return super().refused(op, cluster, error)


class GoBack(OnSnapshot):
    """Returns disks and settings to what was kept."""

    name = "roll_back"
    label = "Roll back"
    task = "qmrollback"
    leaves_no_trace = True

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Settings kept under another uuid would make it another machine, which belongs to nobody."""
        why = self.why_not(op, self.of_this(op, cluster))
        if why is not None:
            return why
        ref = finding.ref_of(op)
        if cluster.snapshot_config(ref.node, ref.vmid, op.wish["name"]).uuid != ref.uuid:
            told = (
                "That snapshot was taken while the machine had another uuid: rolled back, it would be another machine."
            )
            return Broken(words.did_not(op, f"{told} An RTP can do it in Proxmox."))
        return super().prepare(op, cluster)

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """Asks for it."""
        return cluster.roll_back(finding.ref_of(op), op.wish["name"])

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """Our task is the only trace: a machine may stand on that snapshot without having been rolled back."""
        traces = self.traces(op, cluster)
        return Happened(traces[0]) if traces else DidNotHappen()

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """Whoever deleted it in between was quicker."""
        text = (end.exit_text or "") if end and not end.ok else ""
        if "does not exist" in text and "snapshot" in text:
            return Broken(words.did_not(op, GONE), text)
        return super().after(op, cluster, end)


class Drop(OnSnapshot):
    """Forgets a snapshot."""

    name = "drop_snapshot"
    label = "Delete snapshot"
    task = "qmdelsnapshot"

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """One that is gone already is no failure, where the machine itself is there."""
        found = self.of_this(op, cluster)
        named = finding.intent_of(finding.ref_of(op))
        if found is None:
            return named | {"is_gone": True}
        return self.why_not(op, found) or named

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """Asks for it, where it is there."""
        return None if op.intent.get("is_gone") else cluster.remove_snapshot(finding.ref_of(op), op.wish["name"])

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """Our task tells; else the list that lacks it."""
        if traces := self.traces(op, cluster):
            return Happened(traces[0])
        return Happened() if self.of_this(op, cluster) is None else DidNotHappen()

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """Gone is gone, whoever did it."""
        if op.intent.get("is_gone"):
            return Done("It was gone already.")
        text = (end.exit_text or "") if end and not end.ok else ""
        if text and self.found(op, cluster) is None:
            return Done("The list does not show it any more.")
        return super().after(op, cluster, end)
