"""Looks for traces of what was sent: the machine itself, and our token's tasks on its node."""

from typing import Any

from vms.cluster import Cluster
from vms.cluster.errors import NoSuchGuest, WrongMachine
from vms.cluster.types import GuestConfig, GuestRef, GuestStatus, TaskFacts, Upid
from vms.models import Operation, VirtualMachine

#: How far the clocks of a node and of the portal may differ.
SKEW_S = 120


def ref_of(op: Operation) -> GuestRef:
    """The machine an operation means, where it was last seen (or found to have moved to)."""
    vm = op.vm
    poolid = vm.pool.proxmox_poolid if vm.pool else None
    return GuestRef(
        node=op.wish.get("node") or vm.node,
        vmid=vm.vmid or 0,
        uuid=str(vm.smbios_uuid or ""),
        poolid=poolid or "",
    )


def intent_of(ref: GuestRef) -> dict[str, Any]:
    """The part of an intent that names a machine."""
    return {"node": ref.node, "vmid": ref.vmid, "uuid": ref.uuid, "poolid": ref.poolid}


def node_now(cluster: Cluster, vmid: int) -> str:
    """Where the cluster's list shows this slot; empty where it does not."""
    return next((guest.node for guest in cluster.read().guests if guest.vmid == vmid), "")


def config_of(op: Operation, cluster: Cluster) -> GuestConfig:
    """The settings of the operation's machine, wherever it is. Raises NoSuchGuest, WrongMachine, Unreachable, Denied.

    What is sent next goes to the node where it was found; a worker that comes later finds it again.
    """
    ref = ref_of(op)
    try:
        config = cluster.guest_config(ref.node, ref.vmid)
    except NoSuchGuest:
        node = node_now(cluster, ref.vmid)
        if node in {"", ref.node}:
            raise
        config = cluster.guest_config(node, ref.vmid)
        op.wish = {**op.wish, "node": node}
    if ref.uuid and config.uuid != ref.uuid:
        raise WrongMachine(ref.uuid, config.uuid)
    return config


def facts_of(op: Operation, cluster: Cluster) -> tuple[GuestConfig, GuestStatus]:
    """Fresh facts of the operation's machine. Raises what config_of raises."""
    config = config_of(op, cluster)
    return config, cluster.guest_status(config.node, config.vmid)


def own_tasks(op: Operation, cluster: Cluster, types: frozenset[str], vmid: int) -> list[TaskFacts]:
    """Our token's tasks of these types on that slot since the intent, newest first, but for those accounted for.

    Raises Unreachable where the node does not answer: no list is no information.
    """
    node = str(op.intent["node"])
    since_s = int(float(op.intent["at_s"])) - SKEW_S
    known = known_upids(op.vm)
    found = [
        task
        for task in cluster.node_tasks(node, since_s, vmid)
        if task.upid.type in types
        and task.upid.user == cluster.config.token_id
        and task.upid.started_at_s >= since_s
        and str(task.upid) not in known
    ]
    return sorted(found, key=lambda task: task.upid.started_at_s, reverse=True)


def listed_task(cluster: Cluster, upid: Upid) -> TaskFacts | None:
    """A task's row in its node's list, if it stands there. Raises Unreachable."""
    tasks = cluster.node_tasks(upid.node, upid.started_at_s, int(upid.id) if upid.id.isdecimal() else None)
    return next((task for task in tasks if task.upid == upid), None)


def known_upids(vm: VirtualMachine) -> frozenset[str]:
    """UPIDs that this machine's operations already account for."""
    rows = Operation.objects.filter(vm=vm).order_by("-pk").values_list("steps", flat=True)[:20]
    return frozenset(upid for steps in rows for step in steps for upid in step.get("upids", []))
