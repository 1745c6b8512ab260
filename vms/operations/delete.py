"""Delete a machine with its disks."""

from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied

from accounts.models import Pool, User
from vms.access import may
from vms.cluster import Cluster
from vms.cluster.errors import ClusterError, Denied, NoSuchGuest, NotBound, WrongMachine
from vms.cluster.types import TaskStatus, Upid
from vms.models import Operation, VirtualMachine
from vms.operations import base, ends, finding, lifecycle, requests, words
from vms.operations.changing import refuse_obstacle, under_lock
from vms.operations.errors import Refusal
from vms.operations.hardware import PROTECTED
from vms.operations.hooks import Point
from vms.operations.steps import Broken, DidNotHappen, Done, Finding, Happened, HookStep, Step, StillUnknown, Verdict
from vms.operations.verb import Verb
from vms.states import Action, Lifecycle, OperationKind, OperationState

GONE_ALREADY = "It was gone already."
STILL_THERE = "The job ended well, but the machine is still shown."


def is_gone(op: Operation, cluster: Cluster) -> bool | None:
    """True only by a positive reading: its node has no such machine and a complete list shows it nowhere, or the slot
    holds another machine. None where the reading was denied. Raises Unreachable."""
    ref = finding.ref_of(op)
    try:
        return cluster.guest_config(ref.node, ref.vmid).uuid != ref.uuid
    except Denied:
        # The cluster's own list of slots holds those of silent nodes, too: a free one is proof.
        return True if was_destroyed(op, cluster) or not cluster.slot_is_taken(ref.vmid) else None
    except NoSuchGuest:
        pass
    try:
        reading = cluster.read(with_quorum=True)
    except Denied:
        return None
    if not reading.quorate or not all(node.is_online for node in reading.nodes):
        return None
    elsewhere = [guest.node for guest in reading.guests if guest.vmid == ref.vmid and guest.node != ref.node]
    return not any(cluster.guest_config(node, ref.vmid).uuid == ref.uuid for node in elsewhere)


def was_destroyed(op: Operation, cluster: Cluster) -> bool:
    """True when the node's tasks show that somebody destroyed what was in the slot since it was last seen.

    A token with rights on pools alone is denied a machine that is gone, and one that was moved out: this tells which.
    """
    since = (op.vm.last_seen or op.created_at).timestamp() - finding.SKEW_S
    tasks = cluster.node_tasks(finding.ref_of(op).node, int(since), op.vm.vmid)
    return any(task.upid.type == "qmdestroy" and task.exit_text == "OK" for task in tasks)


def is_still_shown(op: Operation, cluster: Cluster) -> bool:
    """True when the machine can still be read where it was."""
    ref = finding.ref_of(op)
    try:
        return cluster.guest_config(ref.node, ref.vmid).uuid == ref.uuid
    except (NoSuchGuest, Denied):
        return False


class Destroy(Step):
    """Removes the machine and its disks."""

    name = "delete"
    label = "Delete the machine and its disks"

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any]:
        """Names the machine meant."""
        return finding.intent_of(finding.ref_of(op))

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """Asks for it; the gateway compares uuid and pool first."""
        return cluster.delete(finding.ref_of(op), purge=True)

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """A machine that is proven gone is what was wished."""
        if isinstance(error, NoSuchGuest | WrongMachine | NotBound) and is_gone(op, cluster):
            return Done(GONE_ALREADY)
        return super().refused(op, cluster, error)

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """Our token's task, or the machine itself: there with its uuid, or proven gone."""
        found = finding.own_tasks(op, cluster, frozenset({"qmdestroy"}), int(op.intent["vmid"]))
        if found:
            return Happened(str(found[0].upid))
        match is_gone(op, cluster):
            case True:
                return Happened()
            case False:
                return DidNotHappen()
            case _:
                return StillUnknown("The machine cannot be read, and no task of ours is listed.")

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """The task's OK is the proof; a machine that is still shown with its uuid refutes it."""
        if end is not None and not end.ok and is_gone(op, cluster):
            return Done(GONE_ALREADY)
        if (end is None or end.ok) and is_still_shown(op, cluster):
            return Broken(words.did_not(op, STILL_THERE, changed_nothing=False))
        return super().after(op, cluster, end)


class Delete(Verb):
    """Remove it; only when it is gone is its name given back."""

    steps: ClassVar[tuple[Step, ...]] = (
        Destroy(),
        HookStep(Point.AFTER_GONE, "Tidy up after it"),
        HookStep(Point.NAME_RELEASED, "Release its name"),
    )

    def succeed(self, op: Operation, cluster: Cluster) -> None:
        """GONE: nothing of it counts any more."""

        def gone(now: datetime) -> None:
            lifecycle.move(op.vm, Lifecycle.GONE, gone_at=now)

        ends.succeed(op, f"{op.vm.name} was deleted.", None, also=gone)

    def fail(self, op: Operation, cluster: Cluster, broken: Broken) -> None:
        """READY again, in the trash where it was there. What a failed creation left goes to an RTP instead."""
        if op.wish.get("by_portal") and "trash_end" not in op.wish:
            sentence = f"What was left of {op.vm.name} could not be removed. An RTP has to look. Tell them {op.code}."
            base.move(op, OperationState.NEEDS_RTP, sentence=sentence, detail=broken.detail)
            return

        def back(now: datetime) -> None:
            lifecycle.move(op.vm, Lifecycle.READY)

        ends.fail(op, broken.sentence, broken.detail, ends.facts_if_any(op, cluster), also=back)


def request_delete(vm: VirtualMachine, *, by: User, address: str, key: str) -> Operation:
    """Asks to delete a stopped machine for good, also from the trash.

    It stays listed (DELETING) and counted until Proxmox has shown that it is gone.

    Raises PermissionDenied or Refusal; nothing was written then.
    """
    if vm.pool is None or not may(by, vm, Action.DELETE):
        raise PermissionDenied("Your role in this pool does not include that.")

    def open_it(locked: Pool) -> Operation:
        fresh = under_lock(vm, locked)
        refuse_obstacle(fresh, OperationKind.DELETE)
        if fresh.hardware.get("is_protected"):
            raise Refusal(f"{fresh.name} cannot be deleted. {PROTECTED}")
        op = requests.open_operation(
            fresh, locked, OperationKind.DELETE, Delete.steps, by=by, address=address, key=key, wish={}
        )
        lifecycle.move(fresh, Lifecycle.DELETING)
        return op

    return requests.accept(by, vm.pool, key, open_it)


def remove_remains(creation: Operation) -> Operation:
    """Inside the transaction that ends a failed creation: the portal itself deletes what is left of it."""
    wish = {"by_portal": True, "node": creation.wish.get("node", "")}
    return requests.open_operation(
        creation.vm,
        creation.pool,
        OperationKind.DELETE,
        Delete.steps,
        by=None,
        address="",
        key=f"remains-{creation.pk}",
        wish=wish,
    )


def delete_by_portal(vm: VirtualMachine, pool: Pool, *, key: str, trash_end: datetime) -> Operation:
    """Inside the caller's transaction and the pool's lock: its time in the trash is over, and nothing holds it."""
    wish = {"by_portal": True, "trash_end": trash_end.isoformat()}
    op = requests.open_operation(vm, pool, OperationKind.DELETE, Delete.steps, by=None, address="", key=key, wish=wish)
    lifecycle.move(vm, Lifecycle.DELETING)
    return op
