"""Steps that make a machine out of a template or out of another machine."""

from typing import Any

from django.conf import settings

from vms import restraints
from vms.cluster import Cluster
from vms.cluster.errors import ClusterError, Denied, NoSuchGuest, NotBound, WrongMachine
from vms.cluster.types import GuestRef, TemplateRef, Upid
from vms.models import Operation, Template, VirtualMachine
from vms.operations import base, finding, words
from vms.operations.create_steps import marker_of
from vms.operations.slot_steps import NO_SLOT, TakesSlot
from vms.operations.steps import Again, Broken, DidNotHappen, Finding, Happened, StillUnknown, Verdict
from vms.placement import node_for_template
from vms.states import Action, obstacle

NO_TEMPLATE = "The template is not there any more."
NO_MACHINE = "The machine to copy is not there any more."
#: Its storage is local after all: then it is made where the template is.
NOT_TO_ANOTHER = "VM uses local storage"
CLONE_NOT_LINKED = "Linked clone feature is not supported"


class Clones(TakesSlot):
    """A machine made out of `intent["template_vmid"]`: a template, or a machine."""

    def look(self, op: Operation, cluster: Cluster) -> Finding:
        """Our machine in our slot; a clone's task names what it copies only, so one that runs may be ours.

        Sent again, it asks for the same slot: if the first one lives after all, the second is refused.
        """
        if self.is_made(op, cluster):
            return Happened()
        tasks = finding.own_tasks(op, cluster, frozenset({"qmclone"}), int(op.intent["template_vmid"]))
        if any(task.is_running for task in tasks):
            return StillUnknown("A clone of the same is running; it may be this one.")
        return DidNotHappen()

    def moved_to(self, op: Operation, cluster: Cluster) -> str:
        """The node where what is copied is now, if it is another one than was asked; remembered for the next try."""
        node = finding.node_now(cluster, op.intent["template_vmid"])
        if node in {"", op.intent["node"]}:
            return ""
        base.write(op, wish={**op.wish, "template_node": node})
        return node


class CloneTemplate(Clones):
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
        target = node if op.wish.get("stays") else node_for_template(template, node, settings.PROXMOX_VM_STORAGE)
        named = {"template_vmid": template.vmid, "template_uuid": str(template.smbios_uuid)}
        return {"node": node, "target": target, "vmid": vmid, **named}

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
            target_node=intent.get("target"),
        )

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """The template may have moved, its storage may know no linked clones, and no other node may take one."""
        if NOT_TO_ANOTHER in error.sentence and not op.wish.get("stays"):
            base.write(op, wish={**op.wish, "stays": True})
            return Again()
        if CLONE_NOT_LINKED in error.sentence and not op.wish.get("full"):
            base.write(op, wish={**op.wish, "full": True})
            return Again()
        if isinstance(error, NoSuchGuest):
            if self.moved_to(op, cluster):
                return Again()
            return Broken(words.did_not(op, NO_TEMPLATE), words.detail(error))
        if isinstance(error, Denied) and not cluster.slot_is_taken(op.intent["template_vmid"]):
            # A token with rights on pools and templates alone is denied one that is gone.
            return Broken(words.did_not(op, NO_TEMPLATE), words.detail(error))
        return super().refused(op, cluster, error)


class CopyMachine(Clones):
    """Copies a machine with its disks, whatever it does meanwhile. Notes, devices and cloud-init's keys come along."""

    name = "duplicate"
    label = "Copy the machine"

    def is_needed(self, op: Operation) -> bool:
        """For a copy."""
        return "machine" in op.wish

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """Takes the slot; looks once more at what is copied, where it is now."""
        source = VirtualMachine.objects.select_related("pool").filter(pk=op.wish["machine"]).first()
        if source is None or (why := why_no_copy(source)):
            return Broken(words.did_not(op, why if source else NO_MACHINE))
        vmid = self.slot(op)
        if vmid is None:
            return Broken(words.did_not(op, NO_SLOT))
        node = op.wish.get("template_node") or source.node
        base.write(op, wish={**op.wish, "node": node})
        poolid = (source.pool.proxmox_poolid if source.pool else None) or ""
        found = {"template_vmid": source.vmid, "template_uuid": str(source.smbios_uuid), "template_poolid": poolid}
        return {"node": node, "vmid": vmid, **found}

    def send(self, op: Operation, cluster: Cluster) -> Upid | None:
        """One full clone, once the gateway has seen that it is that machine and in that pool."""
        intent = op.intent
        named = {"node": intent["node"], "vmid": intent["template_vmid"], "uuid": intent["template_uuid"]}
        source = cluster.verified(GuestRef(**named, poolid=intent["template_poolid"]))
        return cluster.clone(
            TemplateRef(**named),
            vmid=intent["vmid"],
            name=op.vm.name,
            poolid=op.pool.proxmox_poolid or "",
            description="\n".join([marker_of(op), source.notes]).strip(),
            full=True,
        )

    def refused(self, op: Operation, cluster: Cluster, error: ClusterError) -> Verdict:
        """It may have moved to another node, or away."""
        if isinstance(error, NoSuchGuest):
            return Again() if self.moved_to(op, cluster) else self._gone(op, error)
        if isinstance(error, WrongMachine | NotBound):
            return self._gone(op, error)
        return super().refused(op, cluster, error)

    def _gone(self, op: Operation, error: ClusterError) -> Broken:
        return Broken(words.did_not(op, NO_MACHINE), words.detail(error))


def why_no_copy(vm: VirtualMachine) -> str:
    """Why a machine cannot be copied now, in a sentence; empty when it can."""
    if vm.missing_since is not None:
        return f"The cluster does not show {vm.name} right now."
    why = obstacle(Action.RESIZE, vm.lifecycle, vm.power)  # type: ignore[arg-type]  # columns hold the enums' values
    why = why or restraints.of_lock(vm, Action.RESIZE) or restraints.of_trash(vm, Action.RESIZE)
    return f"{vm.name} cannot be copied. {why}" if why else ""
