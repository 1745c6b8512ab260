"""The machine goes, and another one comes into its slot: by the portal, by hand, as a copy, out of another's backup."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.models import Pool, User
from tests.vms.operations import changes
from tests.vms.slots.holding import Held, mac
from tests.vms.slots.street import Street
from vms import operations
from vms.models import Operation, VirtualMachine
from vms.operations import FromMachine, FromTemplate, Size
from vms.operations.wishes import Source

POOLS = ("alice", "bob", "house-infra")


@dataclass(frozen=True)
class Newcomer:
    """Who sits in the slot now. `mark` stands in its notes, tags and answers, and in nothing of alice's old machine.

    `row`: of the machine itself where it had one before it came here.
    """

    vmid: int
    uuid: str
    mark: str
    pool: str
    row: VirtualMachine | None = None


Way = Callable[[Street, Held, int, str], VirtualMachine | None]


def destroy(street: Street, held: Held, *, through_api: bool) -> None:
    """By hand: silently, or with tasks that the nodes' lists show."""
    if not through_api:
        street.pve.destroy(held.vmid)
        return
    node, vmid = street.pve.all_guests()[held.vmid]["node"], held.vmid
    if street.pve.all_guests()[vmid]["status"] != "stopped":
        street.by_hand("POST", f"/nodes/{node}/qemu/{vmid}/status/stop")
    street.by_hand("DELETE", f"/nodes/{node}/qemu/{vmid}", purge=1)


def delete_by_portal(street: Street, held: Held) -> None:
    """By alice herself, or by what waits already; what else waited has ended, and its number is in the broker."""
    op, who = held.queue[-1], dict[str, Any](held.bench.who)
    if held.bench.row.lifecycle != "deleting":
        Operation.objects.filter(pk=op.pk).update(state="failed", finished_at=timezone.now())
        street.pve.change(held.vmid, status="stopped")
        held.bench.read()
        op = operations.request_delete(held.bench.row, **who)
    assert street.shop.work(op).state == "succeeded", op.sentence


def _by_portal(street: Street, held: Held, name: str, by: User, source: Source) -> None:
    size = Size(1, 512, 4 if isinstance(source, FromMachine) else 2)
    pool = Pool.objects.get(owner=by)
    with street.only_slot(held.vmid):
        op = street.shop.create(source, name, size=size, pool=pool, by=by)
        op = street.shop.work(op)
    assert (op.state, op.vm.vmid) == ("succeeded", held.vmid), (op.state, op.sentence, op.detail)


def portal_bob(street: Street, held: Held, number: int, pool: str) -> None:
    """Bob makes one out of a template."""
    template = FromTemplate(street.shop.template.pk, login_user="bob")
    _by_portal(street, held, f"theirs{number}", street.shop.cast.bob, template)


def portal_alice(street: Street, held: Held, number: int, pool: str) -> None:
    """Alice makes another one."""
    template = FromTemplate(street.shop.template.pk, login_user="alice")
    _by_portal(street, held, f"theirs{number}", street.shop.cast.alice, template)


def portal_copy(street: Street, held: Held, number: int, pool: str) -> None:
    """Bob copies a machine of his."""
    _by_portal(street, held, f"theirs{number}", street.shop.cast.bob, FromMachine(street.neighbours[0].pk))


def hand_same_name(street: Street, held: Held, number: int, pool: str) -> None:
    """An administrator puts one of the same name and build there; neither list nor tasks tell of it."""
    name, config = f"{held.mark}-web", {**changes.RICH, "tags": held.mark}
    street.pve.guest(vmid=held.vmid, node="pve1", name=name, pool=pool, disk_gib=4, config=config)


def hand_other_name(street: Street, held: Held, number: int, pool: str) -> None:
    """One of another name, made in Proxmox's own interface."""
    street.pve.control("POST", "/pools", {"poolid": pool})
    drives = {"scsi0": "shared:4", "net0": "virtio,bridge=vmbr0", "memory": 512, "cores": 1}
    street.by_hand("POST", "/nodes/pve1/qemu", vmid=held.vmid, name=f"theirs{number}", pool=pool, **drives)


def hand_clone(street: Street, held: Held, number: int, pool: str) -> None:
    """A copy of bob's machine, made in Proxmox's own interface: notes, tags and birthday are those of the original."""
    source = street.neighbours[1]
    asked = {"newid": held.vmid, "name": f"theirs{number}", "pool": pool, "full": 1}
    street.pve.control("POST", "/pools", {"poolid": pool})
    street.by_hand("POST", f"/nodes/{source.node}/qemu/{source.vmid}/clone", **asked)


def hand_restore(street: Street, held: Held, number: int, pool: str) -> VirtualMachine:
    """Bob's machine is restored from its backup into alice's slot."""
    vm = street.shop.machine(f"moves-{number}", pool=street.shop.cast.bobs, vmid=5000 + number)
    street.read()
    street.pve.destroy(5000 + number)
    street.pve.guest(vmid=held.vmid, node="pve1", uuid=str(vm.smbios_uuid), name=vm.name, pool="bob", disk_gib=4)
    return vm


WAYS: dict[str, Way] = {
    way.__name__: way
    for way in (portal_bob, hand_same_name, portal_alice, hand_other_name, hand_clone, portal_copy, hand_restore)
}


def remake(street: Street, held: Held, way: str, pool: str, status: str) -> Newcomer:
    """Another machine, and what only it has."""
    number = held.number
    row = WAYS[way](street, held, number, pool)
    vmid, mark = held.vmid, f"theirs{number}"
    config = {"tags": mark, "description": f"{mark} notes", "agent": "1", "net0": f"virtio={mac(20, number)}"}
    config["net0"] += ",bridge=vmbr0"
    told = {"addresses": [f"203.0.113.{number % 250 + 1}"], "os": f"{mark} OS"}
    found = street.pve.change(vmid, config=config, agent_tells=told, status=status)
    node = found["node"]
    street.by_hand("POST", f"/nodes/{node}/qemu/{vmid}/snapshot", snapname="kept")
    return Newcomer(vmid, str(found["uuid"]), mark, str(found["pool"] or ""), row)
