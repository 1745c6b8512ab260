"""What creating a machine asks of Proxmox, one class for each call: its pool, and what is set once it is there.

The steps that make it are in slot_steps.py and clone_steps.py.
"""

from typing import Any

from vms import pools
from vms.cluster import Cluster
from vms.cluster.errors import AlreadyExists, ClusterError, ConfigChanged, Denied, GuestLocked, NotBound
from vms.cluster.types import DiskFacts, GuestChanges, GuestConfig, TaskStatus, Upid
from vms.models import Operation, Template
from vms.operations import finding, words
from vms.operations.steps import Again, Broken, DidNotHappen, Done, Finding, Happened, Step, Verdict, Wait
from vms.units import gib


def is_clone(op: Operation) -> bool:
    """True where it is made out of a template or of another machine."""
    return "template" in op.wish or "machine" in op.wish


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
            return Wait(words.detail(error), words.cause(error))
        return super().refused(op, cluster, error)

    def config(self, op: Operation, cluster: Cluster) -> GuestConfig:
        """The machine's settings now, wherever it is. NoSuchGuest, WrongMachine or NotBound where it is not ours."""
        try:
            return finding.config_of(op, cluster)
        except Denied as error:
            ref = finding.ref_of(op)
            if ref.vmid in cluster.pool_members(ref.poolid):
                raise
            raise NotBound(f"{ref.vmid} is not in pool {ref.poolid}.", status=error.status) from error


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


class SetSize(OnMachine):
    """Cores and memory of a clone."""

    name = "size"
    label = "Set cores and memory"

    def is_needed(self, op: Operation) -> bool:
        """A clone has those of what it was made from."""
        return is_clone(op)

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
        """Where more was asked for than a clone has."""
        return is_clone(op) and op.wish["disk_gib"] > op.wish["source_disk_gib"]

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """The disk that grows, and to which size, so that all disks together are what was asked for."""
        template = Template.objects.filter(pk=op.wish.get("template")).first()
        config = self.config(op, cluster)
        disk = _growing_disk(config, template.disk_slot if template else "")
        if disk is None:
            return Broken(words.did_not(op, "It has no disk that can grow."))
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
