"""What creating a machine asks of Proxmox, one class for each call."""

from typing import Any

from django.conf import settings
from django.db import transaction

from vms import pools
from vms.cluster import Cluster
from vms.cluster.errors import AlreadyExists, ClusterError, ConfigChanged, Denied, GuestLocked, NoSuchGuest
from vms.cluster.types import DiskFacts, GuestChanges, GuestConfig, NewGuest, TaskStatus, TemplateRef, Upid
from vms.models import Operation, Template, VirtualMachine
from vms.operations import base, finding, vmids, words
from vms.operations.steps import Again, Broken, DidNotHappen, Done, Finding, Happened, Step, StillUnknown, Verdict, Wait
from vms.units import gib

NO_SLOT = "There is no free slot for another machine. An RTP has to look."
NO_TEMPLATE = "The template is not there any more."
CLONE_NOT_LINKED = "Linked clone feature is not supported"


def marker_of(op: Operation) -> str:
    """The line in a new machine's description: a search hint for us, never shown to members."""
    return f"vmportal:{op.marker}"


def is_ours(op: Operation, config: GuestConfig) -> bool:
    """True when the machine in the slot we took is the one this operation made.

    With a uuid of our choice that is the proof. A clone gets its uuid from Proxmox: until it is read, the proof is the
    slot (taken by us, saved before it was used) together with the operation's own random marker.
    """
    if op.vm.smbios_uuid is not None:
        return config.uuid == str(op.vm.smbios_uuid)
    return config.vmid == op.vm.vmid and marker_of(op) in config.description and bool(config.uuid)


class OnMachine(Step):
    """A step on the machine that was just made. Another job's lock on it passes."""

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Names the machine meant."""
        return finding.intent_of(finding.ref_of(op))

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """Locks pass, and what somebody changed in between is read again."""
        if isinstance(error, ConfigChanged):
            return Again()
        if isinstance(error, GuestLocked):
            return Wait(words.detail(error))
        return super().refused(op, cluster, error)

    def config(self, op: Operation, cluster: Cluster) -> GuestConfig:
        """The machine's settings now."""
        ref = finding.ref_of(op)
        return cluster.guest_config(ref.node, ref.vmid)


class BindPool(Step):
    """Makes the pool of the cluster for a pool of ours that has none yet."""

    name = "pool"
    label = "Make your pool"

    def is_needed(self, op: Operation) -> bool:
        """Only the first time."""
        return op.pool.proxmox_poolid is None

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Saves the wanted name."""
        return {"poolid": pools.wanted_poolid(op.pool)}

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """Makes it, sealed."""
        poolid = op.intent["poolid"]
        cluster.create_pool(poolid, comment=pools.comment_for(op.pool, poolid))
        return None

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """A taken name is ours by its seal alone (an earlier try, another worker); else the next name."""
        if not isinstance(error, AlreadyExists):
            return super().refused(op, cluster, error)
        if self._is_there(op, cluster):
            return self.after(op, cluster, None)
        pools.next_poolid(op.pool, op.intent["poolid"])
        return Again()

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """A name can be made once only, so asking again does no harm."""
        return Happened() if self._is_there(op, cluster) else DidNotHappen(is_safe=True)

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """Binds it by the row."""
        pools.bind(op.pool, op.intent["poolid"])
        op.pool.refresh_from_db()
        op.vm.pool = op.pool
        return Done()

    def _is_there(self, op: Operation, cluster: Cluster) -> bool:
        wanted = op.intent["poolid"]
        return any(pools.is_ours(op.pool, facts) for facts in cluster.pools() if facts.poolid == wanted)


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
        """What is in our slot, as far as the token may see it."""
        try:
            return cluster.guest_config(str(op.intent["node"]), int(op.intent["vmid"]))
        except (NoSuchGuest, Denied):
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
            return Wait(words.detail(error))
        return super().refused(op, cluster, error)

    def after(self, op: Operation, cluster: Cluster, end: TaskStatus | None) -> Verdict:
        """Reads the machine's identity and its network addresses, and saves them."""
        text = end.exit_text or "" if end else ""
        if end is not None and not end.ok:
            if "already exists" in text:
                return self.taken(op, cluster)
            if "unexpected status" not in text or not self.is_made(op, cluster):
                return super().after(op, cluster, end)
        config = cluster.guest_config(str(op.intent["node"]), int(op.intent["vmid"]))
        VirtualMachine.objects.filter(pk=op.vm_id).update(smbios_uuid=config.uuid)
        op.vm.refresh_from_db(fields=["smbios_uuid"])
        base.write(op, wish={**op.wish, "node": config.node, "macs": [nic.mac for nic in config.nics]})
        return Done(words.WARNED if end and end.warnings else "")


class CloneTemplate(TakesSlot):
    """Copies a template."""

    name = "copy"
    label = "Copy the template"

    def is_needed(self, op: Operation) -> bool:
        """For a template."""
        return "template" in op.wish

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Takes the slot; the template is where it is now."""
        template = Template.objects.filter(pk=op.wish["template"]).first()
        if template is None:
            return Broken(words.did_not(op, NO_TEMPLATE))
        vmid = self.slot(op)
        if vmid is None:
            return Broken(words.did_not(op, NO_SLOT))
        node = op.wish.get("template_node") or template.node
        base.write(op, wish={**op.wish, "node": node})
        return {"node": node, "vmid": vmid, "template_vmid": template.vmid, "template_uuid": str(template.smbios_uuid)}

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """One clone: linked to the template's disks where the storage can, else full."""
        intent, full = op.intent, bool(op.wish.get("full"))
        return cluster.clone(
            TemplateRef(intent["node"], intent["template_vmid"], intent["template_uuid"]),
            vmid=intent["vmid"],
            name=op.vm.name,
            poolid=op.pool.proxmox_poolid or "",
            description=marker_of(op),
            full=full,
            storage=settings.PROXMOX_VM_STORAGE if full else None,
        )

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """The template may have moved, and its storage may know no linked clones."""
        if CLONE_NOT_LINKED in error.sentence and not op.wish.get("full"):
            base.write(op, wish={**op.wish, "full": True})
            return Again()
        if isinstance(error, NoSuchGuest):
            node = finding.node_now(cluster, op.intent["template_vmid"])
            if node not in {"", op.intent["node"]}:
                base.write(op, wish={**op.wish, "template_node": node})
                return Again()
            return Broken(words.did_not(op, NO_TEMPLATE), words.detail(error))
        return super().refused(op, cluster, error)

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """Our machine in our slot; a clone's task names the template only, so one that runs may be ours.

        Sent again, it asks for the same slot: if the first one lives after all, the second is refused.
        """
        if self.is_made(op, cluster):
            return Happened()
        tasks = finding.own_tasks(op, cluster, frozenset({"qmclone"}), int(op.intent["template_vmid"]))
        if any(task.is_running for task in tasks):
            return StillUnknown("A clone of this template is running; it may be this one.")
        return DidNotHappen()


class MakeFromIso(TakesSlot):
    """Makes a machine around an empty disk. We choose its uuid, which proves it to be ours."""

    name = "make"
    label = "Make the machine"

    def is_needed(self, op: Operation) -> bool:
        """For an ISO."""
        return "iso" in op.wish

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Takes the slot."""
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


class SetSize(OnMachine):
    """Cores and memory of a clone."""

    name = "size"
    label = "Set cores and memory"

    def is_needed(self, op: Operation) -> bool:
        """A clone has its template's."""
        return "template" in op.wish

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """The digest read now makes an edit from outside conflict instead of being overwritten."""
        config = self.config(op, cluster)
        return finding.intent_of(finding.ref_of(op)) | {"digest": config.digest}

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """Both at once."""
        changes = GuestChanges(cores=op.wish["cores"], memory_mib=op.wish["memory_mib"])
        cluster.configure(finding.ref_of(op), changes, digest=op.intent["digest"])
        return None

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """The settings tell; setting them again changes nothing more."""
        config = self.config(op, cluster)
        is_set = (config.most_cores, config.most_memory_mib) == (op.wish["cores"], op.wish["memory_mib"])
        return Happened() if is_set else DidNotHappen(is_safe=True)


class SetUpSignIn(OnMachine):
    """Whom cloud-init makes in the guest, with which keys; the address comes by DHCP."""

    name = "sign-in"
    label = "Set up your sign-in"
    ipconfig = "ip=dhcp"

    def is_needed(self, op: Operation) -> bool:
        """For a template with cloud-init."""
        return bool(op.wish.get("cloud_init"))

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """All three at once."""
        keys = tuple(op.wish["ssh_keys"])
        cluster.set_cloud_init(finding.ref_of(op), user=op.wish["login_user"], ssh_keys=keys, ipconfig=self.ipconfig)
        return None

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """The settings tell; setting them again changes nothing more."""
        config = self.config(op, cluster)
        found = (config.cloud_init_user, config.ssh_keys, config.ipconfig)
        wanted = (op.wish["login_user"] or config.cloud_init_user, tuple(op.wish["ssh_keys"]), self.ipconfig)
        is_set = found == wanted or (not wanted[1] and (found[0], found[2]) == (wanted[0], wanted[2]))
        return Happened() if is_set else DidNotHappen(is_safe=True)


class GrowDisk(OnMachine):
    """Grows a clone's disk to the size asked for: always an absolute size, so that twice is no more than once."""

    name = "disk"
    label = "Grow the disk"

    def is_needed(self, op: Operation) -> bool:
        """Where more was asked for than the template has."""
        return "template" in op.wish and op.wish["disk_gib"] > op.wish["template_disk_gib"]

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """The disk that grows, and to which size, so that all disks together are what was asked for."""
        template = Template.objects.filter(pk=op.wish["template"]).first()
        config = self.config(op, cluster)
        disk = _growing_disk(config, template.disk_slot if template else "")
        if disk is None:
            return Broken(words.did_not(op, "The template has no disk that can grow."))
        missing_gib = op.wish["disk_gib"] - config.disk_gib
        size_gib = gib(disk.size_bytes or 0) + missing_gib
        return finding.intent_of(finding.ref_of(op)) | {
            "slot": disk.slot, "size_gib": size_gib, "digest": config.digest, "missing_gib": missing_gib,
        }  # fmt: skip

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """One resize, unless it is large enough already."""
        intent = op.intent
        if intent["missing_gib"] <= 0:
            return None
        return cluster.resize_disk(
            finding.ref_of(op), slot=intent["slot"], size_gib=intent["size_gib"], digest=intent["digest"]
        )

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """The size tells, or our task."""
        if self.config(op, cluster).disk_gib >= op.wish["disk_gib"]:
            return Happened()
        tasks = finding.own_tasks(op, cluster, frozenset({"resize"}), int(op.intent["vmid"]))
        return Happened(str(tasks[0].upid)) if tasks else DidNotHappen()


def _growing_disk(config: GuestConfig, slot: str) -> DiskFacts | None:
    """The disk in `slot`, else the first in the boot order, else the only one."""
    usable = {disk.slot: disk for disk in config.disks if disk.is_counted and not disk.is_unused and disk.size_bytes}
    order = [slot, *config.boot_order, *usable]
    return next((usable[each] for each in order if each in usable), None)
