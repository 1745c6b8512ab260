"""What the gateway asks to be changed. Each call is sent once; OutcomeUnknown where its answer was lost.

A UPID means that Proxmox began; only a task that ended OK means done.
"""

from urllib.parse import quote

from vms.cluster import parse, settings
from vms.cluster.errors import NotBound, OutcomeUnknown, WrongMachine
from vms.cluster.guard import BRIDGE, MAC, STORAGE, VOLID, Guard, require_words
from vms.cluster.line import Value
from vms.cluster.types import GuestChanges, GuestRef, NewGuest, TemplateRef, Upid


class Changes(Guard):
    """Raises, beside what the guard does: Unreachable, OutcomeUnknown, Denied, GuestLocked, Refused and its leaves."""

    def _task(self, method: str, *parts: str | int, **options: Value) -> Upid:
        named = {name.replace("_", "-"): value for name, value in options.items()}
        return _named_task(self.line.change(method, *parts, options=named).content)

    def _guest_task(self, ref: GuestRef, method: str, *parts: str, **options: Value) -> Upid:
        self.verified(ref)
        return self._task(method, "nodes", ref.node, "qemu", ref.vmid, *parts, **options)

    # --- pools ---

    def create_pool(self, poolid: str, comment: str = "") -> None:
        """A new, empty pool; AlreadyExists where the name is taken, whoever took it."""
        self.line.change("POST", "pools", options={"poolid": poolid, "comment": comment or None})

    def delete_pool(self, poolid: str) -> None:
        """Remove an empty pool; Refused while it holds anything."""
        self.line.change("DELETE", "pools", options={"poolid": poolid})

    def move_to_pool(self, ref: GuestRef, poolid: str) -> None:
        """Move a machine from its bound pool to another one."""
        if not poolid:
            raise NotBound("No bound pool was named.")
        self.verified(ref)
        self.line.change("PUT", "pools", options={"poolid": poolid, "vms": str(ref.vmid), "allow-move": True})

    # --- making ---

    def create(self, guest: NewGuest) -> Upid:
        """Make a machine with an empty disk, booting from it first and from the ISO where it is empty.

        AlreadyExists where the slot is taken. Not started: a start asked for here can fail in a task that says OK.
        """
        self.require_slot(guest.vmid, guest.poolid)
        require_words(storage=(guest.storage, STORAGE), bridge=(guest.bridge, BRIDGE), uuid=(guest.uuid, parse.UUID))
        require_words(iso=(guest.iso or "a:b", VOLID), mac=(guest.mac or "00:00:00:00:00:00", MAC))
        return self._task(
            "POST",
            "nodes",
            guest.node,
            "qemu",
            vmid=guest.vmid,
            name=guest.name,
            pool=guest.poolid,
            description=guest.description or None,
            smbios1=f"uuid={guest.uuid}",
            ostype="l26",
            cpu="x86-64-v2-AES",
            sockets=1,
            cores=guest.cores,
            memory=str(guest.memory_mib),
            scsihw="virtio-scsi-single",
            scsi0=f"{guest.storage}:{guest.disk_gib},discard=on,iothread=1",
            ide2=f"{guest.iso or 'none'},media=cdrom",
            net0=f"virtio{'=' + guest.mac if guest.mac else ''},bridge={guest.bridge}",
            boot="order=scsi0;ide2",
        )

    def clone(
        self,
        template: TemplateRef,
        *,
        vmid: int,
        name: str,
        poolid: str,
        description: str = "",
        full: bool = False,
        storage: str | None = None,
        target_node: str | None = None,
    ) -> Upid:
        """Make a machine out of a template; linked to its disks unless `full`. `storage` only with `full`.

        The slot is taken inside the task: two clones may both be given a UPID for one slot, and one task then fails.
        The new machine has a uuid of its own, is in the pool and can be seen only when the task has ended.
        """
        self.require_slot(vmid, poolid)
        if template.uuid:
            found = self.guest_config(template.node, template.vmid).uuid
            if found != template.uuid.lower():
                raise WrongMachine(template.uuid, found)
        return self._task(
            "POST",
            "nodes",
            template.node,
            "qemu",
            template.vmid,
            "clone",
            newid=vmid,
            name=name,
            pool=poolid,
            description=description or None,
            full=full,
            storage=storage if full else None,
            target=target_node if target_node != template.node else None,
        )

    def delete(self, ref: GuestRef, *, purge: bool = True) -> Upid:
        """Remove a stopped machine and its disks; `purge` also takes it out of backup and replication jobs.

        What only bears its number stays: on a storage that two clusters share it may be another cluster's disk. The
        storage scan shows it to RTPs.
        """
        return self._guest_task(ref, "DELETE", purge=purge, destroy_unreferenced_disks=False)

    # --- settings ---

    def configure(self, ref: GuestRef, changes: GuestChanges, *, digest: str = "") -> None:
        """Set options; those that need it wait for the next start (see `GuestConfig.pending_keys`).

        ConfigChanged where `digest` is no longer the machine's. A device that could not be changed while the machine
        runs is Refused with its field, and yet waits: read the settings again. What a change keeps of what is set (a
        card's MAC, the portal's line in the description) is read first; without `digest` that reading's is sent.
        """
        config = self.verified(ref)
        if options := settings.options(changes, config):
            sent = digest or (config.digest if settings.keeps_something(changes) else "")
            self._put(ref, {**options, "digest": sent or None})

    def set_cloud_init(
        self, ref: GuestRef, *, user: str = "", ssh_keys: tuple[str, ...] = (), ipconfig: str = ""
    ) -> None:
        """Whom cloud-init makes, with which keys, and the first device's address (`ip=dhcp`); empty leaves it."""
        keys = quote("\n".join(key.strip() for key in ssh_keys), safe="")
        self._set(ref, {"ciuser": user or None, "sshkeys": keys or None, "ipconfig0": ipconfig or None})

    def _set(self, ref: GuestRef, options: dict[str, Value]) -> None:
        self.verified(ref)
        self._put(ref, options)

    def _put(self, ref: GuestRef, options: dict[str, Value]) -> None:
        self.line.change("PUT", "nodes", ref.node, "qemu", ref.vmid, "config", options=options)

    def resize_disk(self, ref: GuestRef, *, slot: str, size_gib: int, digest: str = "") -> Upid | None:
        """Grow a disk to a size; the same size again changes nothing. None from releases that did it at once."""
        self.verified(ref)
        options: dict[str, Value] = {"disk": slot, "size": f"{size_gib}G", "digest": digest or None}
        answer = self.line.change("PUT", "nodes", ref.node, "qemu", ref.vmid, "resize", options=options)
        return _named_task(answer.content) if answer.content else None

    # --- power ---

    def start(self, ref: GuestRef) -> Upid:
        """Switch it on; the task of a machine that runs fails."""
        return self._guest_task(ref, "POST", "status", "start")

    def shutdown(self, ref: GuestRef, *, timeout_s: int = 60, force_after: bool = False) -> Upid:
        """Ask the guest to power off, and switch it off after `timeout_s` if `force_after`."""
        return self._guest_task(ref, "POST", "status", "shutdown", timeout=timeout_s, forceStop=force_after)

    def stop(self, ref: GuestRef, *, overrule_shutdown: bool = False) -> Upid:
        """Switch it off; a running shutdown blocks this unless it is overruled."""
        return self._guest_task(ref, "POST", "status", "stop", overrule_shutdown=overrule_shutdown or None)

    def reboot(self, ref: GuestRef, *, timeout_s: int = 60) -> Upid:
        """Shut down and start anew; OK says that the guest went down."""
        return self._guest_task(ref, "POST", "status", "reboot", timeout=timeout_s)

    def reset(self, ref: GuestRef) -> Upid:
        """Press its reset button."""
        return self._guest_task(ref, "POST", "status", "reset")

    def suspend(self, ref: GuestRef) -> Upid:
        """Pause it; it keeps its memory."""
        return self._guest_task(ref, "POST", "status", "suspend")

    def resume(self, ref: GuestRef) -> Upid:
        """Let a paused machine go on."""
        return self._guest_task(ref, "POST", "status", "resume")

    # --- snapshots ---

    def take_snapshot(self, ref: GuestRef, name: str, *, description: str = "", with_memory: bool = False) -> Upid:
        """Keep the disks' state, and the memory's if asked."""
        return self._guest_task(
            ref, "POST", "snapshot", snapname=name, description=description or None, vmstate=with_memory or None
        )

    def roll_back(self, ref: GuestRef, name: str) -> Upid:
        """Return to a snapshot; a running machine is stopped."""
        return self._guest_task(ref, "POST", "snapshot", name, "rollback")

    def remove_snapshot(self, ref: GuestRef, name: str) -> Upid:
        """Forget a snapshot."""
        return self._guest_task(ref, "DELETE", "snapshot", name)


def _named_task(content: object) -> Upid:
    try:
        return parse.upid(content)
    except ValueError:
        raise OutcomeUnknown("The answer names no task.") from None
