"""Move a machine to another pool: its people, its limit and its rights change; the machine itself is not touched."""

from datetime import datetime
from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts import audit
from accounts.models import Pool, User
from accounts.pools import personal_pool_for
from vms import pools, restraints
from vms.audits import about
from vms.cluster import Cluster
from vms.cluster.errors import ClusterError, NotBound
from vms.cluster.types import TaskStatus, Upid
from vms.mirror.placing import place
from vms.models import Operation, VirtualMachine
from vms.operations import ends, finding, names, words
from vms.operations.changing import NO_RIGHT, Change, request_change
from vms.operations.create_steps import BindPool
from vms.operations.database import decide
from vms.operations.edits import ChangeVerb
from vms.operations.errors import Refusal
from vms.operations.rights import may_create
from vms.operations.steps import Broken, DidNotHappen, Done, Finding, Happened, Step, StillUnknown, Verdict
from vms.signals import pool_changed
from vms.states import Action, OperationKind
from vms.usage import shape_of

NOT_THERE = "The cluster does not show it in the pool it was moved to."


class BindReceiver(BindPool):
    """Makes the pool of the cluster where the receiver has none yet. The machine is not in it before it is moved."""

    label = "Make the pool"

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """Binds it by the row."""
        pools.bind(op.pool, op.intent["poolid"])
        op.pool.refresh_from_db()
        return Done()


class MoveToPool(Step):
    """One call; Proxmox does it at once. A lost answer is found by looking which pool lists the machine."""

    name = "move"
    label = "Move it"

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Names the machine meant and the pool it goes to."""
        return finding.intent_of(finding.ref_of(op)) | {"into": op.pool.proxmox_poolid or ""}

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """Asks for it; the gateway compares uuid and old pool first."""
        cluster.move_to_pool(finding.ref_of(op), op.intent["into"])
        return None

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """A machine that is in the receiver already is where it was wished."""
        if isinstance(error, NotBound) and is_in(op, cluster, op.intent["into"]):
            return Done("It was there already.")
        return super().refused(op, cluster, error)

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """The pools' own lists tell."""
        if is_in(op, cluster, op.intent["into"]):
            return Happened()
        if is_in(op, cluster, op.intent["poolid"]):
            return DidNotHappen()
        return StillUnknown("Neither of the two pools lists the machine.")

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """Done is what the receiver lists."""
        if is_in(op, cluster, op.intent["into"]):
            return Done()
        return Broken(words.did_not(op, NOT_THERE, changed_nothing=False))


def is_in(op: Operation, cluster: Cluster, poolid: str) -> bool:
    """Whether that pool lists this very machine. Raises Unreachable or Denied."""
    ref = finding.ref_of(op)
    try:
        is_listed = ref.vmid in cluster.pool_members(poolid)
    except NotBound:
        return False
    return is_listed and finding.facts_of(op, cluster)[0].uuid == ref.uuid


class Move(ChangeVerb):
    """From one pool to another. The row moves in the transaction that settles the receiver's room."""

    steps: ClassVar[tuple[Step, ...]] = (BindReceiver(), MoveToPool())

    def succeed(self, op: Operation, cluster: Cluster) -> None:
        """Both pools' locks are held by the end (base.finish): no moment counts the machine twice or not at all."""
        facts = ends.facts_if_any(op, cluster)
        ends.succeed(op, f"{op.vm.name} is in {op.pool.name} now.", facts, also=lambda now: arrive(op, now))


def arrive(op: Operation, now: datetime) -> None:
    """Inside the end's transaction: the machine belongs to the receiver; rights of the old pool's people end."""
    was = op.vm.pool
    place(op.vm, op.pool, now)
    audit.record(
        actor=op.actor, by_name=op.actor_name, verb="vm.moved", pool=was, **about(op.vm), address=op.address,
        operation=op.code, was=was.name if was else "", to=op.pool.name,
    )  # fmt: skip
    vm_id = op.vm_id
    transaction.on_commit(lambda: pool_changed.send(sender=VirtualMachine, vm_id=vm_id))


def request_move(vm: VirtualMachine, *, into: Pool | None, by: User, address: str, key: str) -> Operation:
    """Asks to move a machine to `into` (None: the person's own pool), by who manages both, or an RTP.

    The receiver has to have the room for all of it. Raises PermissionDenied, QuotaExceeded, or Refusal (field "into");
    nothing was written then.
    """
    target = into or decide(lambda: personal_pool_for(by))
    if not may_create(by, target):
        raise PermissionDenied(restraints.of_person(by, Action.MOVE) or NO_RIGHT)
    if vm.pool_id == target.pk:
        raise Refusal(f"{vm.name} is in {target} already.", "into")

    def plan(fresh: VirtualMachine) -> Change:
        refuse_receiver(Pool.objects.select_related("owner").get(pk=target.pk), fresh)
        wish = {"into": target.pk, "into_name": target.name, "from": fresh.pool_id}
        return Change(wish, after=shape_of(fresh))

    return request_change(vm, OperationKind.MOVE, Move.steps, plan, by=by, address=address, key=key, into=target)


def refuse_receiver(pool: Pool, vm: VirtualMachine) -> None:
    """Raises Refusal where this pool takes in no machine, or not one of that name. Decides only under its lock."""
    if why := restraints.of_receiver(pool):
        raise Refusal(f"{vm.name} cannot be moved to {pool}. {why}", "into")
    if names.is_taken(pool, vm.name):
        raise Refusal(f"{pool} has a VM called {vm.name} already. Rename one of them first.", "into")
