"""What a new machine is made from, in the words of the steps: looked up, and refused where it does not fit."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.exceptions import PermissionDenied

from accounts.models import User
from quotas.errors import cores, gib
from vms.access import may
from vms.models import IsoImage, Template, VirtualMachine
from vms.operations import names
from vms.operations.changing import NO_RIGHT
from vms.operations.clone_steps import why_no_copy
from vms.operations.errors import Refusal
from vms.operations.hardware import disks_of
from vms.operations.rights import may_create
from vms.operations.wishes import FromIso, FromMachine, FromTemplate, Size, Source
from vms.placement import node_for_iso
from vms.states import Action
from vms.units import gib as whole_gib


@dataclass(frozen=True, slots=True)
class Plan:
    """A source in the words of the steps. `uuid`: of a machine whose identity we choose ourselves."""

    title: str
    wish: dict[str, Any]
    uuid: UUID | None = None


def plan_source(source: Source, size: Size, by: User) -> Plan:
    """The plan for whatever it is made from. Raises Refusal, or PermissionDenied for a machine of others."""
    match source:
        case FromTemplate():
            return plan_template(source, size, by)
        case FromMachine():
            return plan_machine(source, size, by)
        case _:
            return plan_iso(source, by)


def plan_template(source: FromTemplate, size: Size, by: User) -> Plan:
    """The wish for a clone; raises Refusal where the template is gone or the size too small for it."""
    template = Template.objects.filter(pk=source.template_id, missing_since=None).first()
    if template is None or (template.is_hidden and not by.is_rtp):
        raise Refusal("This template is not there any more. Choose another.", "source")
    refuse_too_small(template, size)
    if any("PRIVATE KEY" in key for key in source.ssh_keys):
        raise Refusal("What you pasted looks like a private key; it was not stored. Paste the public key.", "ssh_keys")
    wish: dict[str, Any] = {"template": template.pk, "source_disk_gib": template.disk_gib}
    if template.has_cloud_init:
        wish["login_user"] = names.checked_login_user(source.login_user) or template.signs_in_as
        wish["ssh_keys"] = [key.strip() for key in source.ssh_keys]
        wish["cloud_init"] = True
    return Plan(str(template), wish)


def refuse_too_small(template: Template, size: Size) -> None:
    """Raises Refusal where the template does not fit, or an RTP said that it does not work with so little."""
    least_gib = max(template.disk_gib, template.least_disk_gib or 0)
    if size.disk_gib < least_gib:
        raise Refusal(f"The disk of {template} takes at least {least_gib} GiB.", "disk_gib")
    if size.cores < (template.least_cores or 0):
        raise Refusal(f"{template} takes at least {cores(template.least_cores or 0)}.", "cores")
    if size.memory_mib < (template.least_memory_mib or 0):
        raise Refusal(f"{template} takes at least {gib(template.least_memory_mib or 0)} of memory.", "memory_mib")


def plan_machine(source: FromMachine, size: Size, by: User) -> Plan:
    """The wish for a copy: managers of the pool the machine is in may copy it. Foreign and missing look alike."""
    vm = VirtualMachine.objects.select_related("pool__owner").filter(pk=source.vm_id).first()
    if vm is None or not may(by, vm, Action.VIEW):
        raise Refusal("The machine to copy is not there any more. Choose another.", "source")
    if vm.pool is None or not may_create(by, vm.pool):
        raise PermissionDenied(NO_RIGHT)
    if why := why_no_copy(vm):
        raise Refusal(why, "source")
    disk_gib = copied_gib(vm)
    if size.disk_gib < disk_gib:
        raise Refusal(f"The disks of {vm.name} take at least {disk_gib} GiB.", "disk_gib")
    wish = {"machine": vm.pk, "source_disk_gib": disk_gib, "login_user": vm.login_user}
    return Plan(f"a copy of {vm.name}", wish)


def copied_gib(vm: VirtualMachine) -> int:
    """What a copy takes at least: all disks but detached ones, which stay behind, and what is not in force yet."""
    copied = [disk for disk in disks_of(vm) if not (disk["is_unused"] or disk["is_pending"])]
    return whole_gib(sum(disk["size_bytes"] or 0 for disk in copied)) if copied else vm.disk_gib


def plan_iso(source: FromIso, by: User) -> Plan:
    """The wish for an empty disk and an ISO; raises Refusal where it is gone or no node can use it."""
    iso = IsoImage.objects.filter(pk=source.iso_id, missing_since=None).first()
    if iso is None or (iso.is_hidden and not by.is_rtp):
        raise Refusal("This image is not there any more. Choose another.", "source")
    node = node_for_iso(iso, settings.PROXMOX_VM_STORAGE)
    if not node:
        raise Refusal("No node that answers can use this image right now. Choose another or try later.", "source")
    machine_uuid = uuid4()
    return Plan(iso.name, {"iso": iso.volid, "node": node, "uuid": str(machine_uuid)}, machine_uuid)
