"""Steps that make a machine in a slot of our choice: what they have in common, and the one around an empty disk."""

from typing import Any

from django.conf import settings
from django.db import transaction

from vms.cluster import Cluster
from vms.cluster.errors import AlreadyExists, ClusterError, Denied, GuestLocked, NoSuchGuest
from vms.cluster.types import GuestConfig, NewGuest, TaskStatus, Upid
from vms.models import IsoImage, Operation, VirtualMachine
from vms.operations import base, finding, vmids, words
from vms.operations.create_steps import is_ours, marker_of
from vms.operations.steps import Again, Broken, DidNotHappen, Done, Finding, Happened, Step, StillUnknown, Verdict, Wait

NO_SLOT = "There is no free slot for another machine. An RTP has to look."
WITHDRAWN = "{} was not created. An RTP hid {} after it was chosen, or its storage lost it. Choose another ISO."


class TakesSlot(Step):
    """A step that makes the machine in a slot of our choice. The slot is saved before it is used."""

    def slot(self, op: Operation) -> int | None:
        """The slot this operation took, now or before; None when there is none left."""
        if op.vm.vmid:
            return op.vm.vmid
        try:
            with transaction.atomic():
                return vmids.take(op.vm, ahead=2 ** max(0, op.wish.get("conflicts", 0) - 1))
        except vmids.NoFreeSlot:
            return None

    def next_slot(self, op: Operation) -> Verdict:
        """Somebody else is in the slot."""
        vmids.give_back(op.vm)
        base.write(op, wish={**op.wish, "conflicts": op.wish.get("conflicts", 0) + 1})
        return Again("The slot was taken; trying the next one.")

    def seen(self, op: Operation, cluster: Cluster) -> GuestConfig | None:
        """What is in our slot, as far as the token may see it. A clone for another node gets there at its end."""
        for node in dict.fromkeys([op.intent.get("target"), op.intent["node"]]):
            try:
                if node:
                    return cluster.guest_config(str(node), int(op.intent["vmid"]))
            except (NoSuchGuest, Denied):
                continue
        return None

    def is_made(self, op: Operation, cluster: Cluster) -> bool:
        """Whether our machine is there, complete."""
        config = self.seen(op, cluster)
        return config is not None and is_ours(op, config) and config.lock not in {"create", "clone"}

    def taken(self, op: Operation, cluster: Cluster) -> Verdict:
        """ "Already exists": by an earlier try of ours, or by somebody else."""
        if self.is_made(op, cluster):
            return self.after(op, cluster, None)
        return self.next_slot(op)

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """A taken slot is no end; a lock passes."""
        if isinstance(error, AlreadyExists):
            return self.taken(op, cluster)
        if isinstance(error, GuestLocked):
            return Wait(words.detail(error), words.cause(error))
        return super().refused(op, cluster, error)

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """Reads the machine's identity and its network addresses, and saves them."""
        text = end.exit_text or "" if end else ""
        if end is not None and not end.ok:
            if "already exists" in text:
                return self.taken(op, cluster)
            if "unexpected status" not in text or not self.is_made(op, cluster):
                return super().after(op, cluster, end)
        node = op.intent.get("target") or op.intent["node"]
        config = cluster.guest_config(str(node), int(op.intent["vmid"]))
        VirtualMachine.objects.filter(pk=op.vm_id).update(smbios_uuid=config.uuid)
        op.vm.refresh_from_db(fields=["smbios_uuid"])
        base.write(op, wish={**op.wish, "node": config.node, "macs": [nic.mac for nic in config.nics]})
        return Done(words.WARNED if end and end.warnings else "")


class MakeFromIso(TakesSlot):
    """Makes a machine around an empty disk. We choose its uuid, which proves it to be ours."""

    name = "make"
    label = "Make the machine"

    def is_needed(self, op: Operation) -> bool:
        """For an ISO."""
        return "iso" in op.wish

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Takes the slot, once the ISO is still offered: it may have been hidden since it was asked for."""
        if not _is_offered(op):
            return Broken(WITHDRAWN.format(op.vm.name, op.wish["iso"].rpartition("/")[2]))
        vmid = self.slot(op)
        if vmid is None:
            return Broken(words.did_not(op, NO_SLOT))
        return {"node": op.wish["node"], "vmid": vmid, "uuid": op.wish["uuid"]}

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """One create."""
        return cluster.create(
            NewGuest(
                node=op.intent["node"],
                vmid=op.intent["vmid"],
                uuid=op.intent["uuid"],
                name=op.vm.name,
                poolid=op.pool.proxmox_poolid or "",
                cores=op.wish["cores"],
                memory_mib=op.wish["memory_mib"],
                disk_gib=op.wish["disk_gib"],
                storage=settings.PROXMOX_VM_STORAGE,
                bridge=settings.PROXMOX_BRIDGE,
                iso=op.wish["iso"],
                description=marker_of(op),
            )
        )

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """Our task, or a machine with our uuid. An empty slot locked by "create" is a try that never began."""
        tasks = finding.own_tasks(op, cluster, frozenset({"qmcreate"}), int(op.intent["vmid"]))
        if tasks:
            return Happened(str(tasks[0].upid))
        if self.is_made(op, cluster):
            return Happened()
        config = self.seen(op, cluster)
        if config is not None and is_ours(op, config):
            return StillUnknown("It is there, and still locked by its making.")
        return DidNotHappen()


def _is_offered(op: Operation) -> bool:
    """Whether whoever asked could choose the ISO now, too: RTPs may use one that they hid from members."""
    isos = IsoImage.objects.there_for(op.wish["node"]).filter(volid=op.wish["iso"])
    return (isos if op.actor is not None and op.actor.is_rtp else isos.filter(is_hidden=False)).exists()
