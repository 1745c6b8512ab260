"""A vmid is a slot; the machine is its smbios uuid. A new machine in an old slot inherits nothing."""

import random
import uuid
from datetime import timedelta

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import AuditEvent
from tests.factories import make_vm
from tests.figures import figure, scaled
from tests.unwatched import nth_try
from tests.vms.mirror.house import House
from vms.cluster.errors import WrongMachine
from vms.cluster.types import GuestRef, NewGuest
from vms.mirror.apply import apply_guest
from vms.mirror.sweep import sweep
from vms.models import VirtualMachine
from vms.signals import vm_gone
from vms.states import Lifecycle

POOLS = ("alice", "bob", "house-infra")


def recreate(house: House, vm: VirtualMachine, **wanted: object) -> str:
    """Another machine in the same slot; its uuid."""
    made = house.devcluster.change(vm.vmid or 0, recreate=True, **wanted)
    return str(made["uuid"])


def test_a_new_machine_in_an_old_slot_is_a_new_row(
    house: House, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    old = house.adopted(name="web")
    told: list[int] = []

    def hear(vm_id: int, **_: object) -> None:
        told.append(vm_id)

    vm_gone.connect(hear)
    found = recreate(house, old, pool="house-infra", name="web")
    with django_capture_on_commit_callbacks(execute=True):
        house.cycle()
    new = house.row(old.vmid or 0)
    old.refresh_from_db()
    assert (new.pk != old.pk, str(new.smbios_uuid), new.pool) == (True, found, None)
    assert (old.vmid, old.lifecycle, old.missing_since) == (None, Lifecycle.READY, house.at)
    assert (told, AuditEvent.objects.get(verb="vm.replaced").machine_uuid) == ([old.pk], str(old.smbios_uuid))


def test_in_a_bound_pool_the_new_machine_is_adopted_as_itself(house: House) -> None:
    old = house.adopted()
    VirtualMachine.objects.filter(pk=old.pk).update(created_by=house.cast.alice, login_user="debian")
    recreate(house, old, name="other")
    house.cycle()
    new = house.row(old.vmid or 0)
    assert (new.pool, new.created_by, new.login_user) == (house.cast.alices, None, "")


def test_a_machine_restored_into_another_slot_is_found_again(house: House) -> None:
    old = house.adopted(name="web")
    vmid = old.vmid or 0
    house.devcluster.destroy(vmid)
    house.machine(vmid=vmid + 500, uuid=str(old.smbios_uuid), name="web")
    house.cycle()
    assert (house.row(vmid + 500).pk, VirtualMachine.objects.count()) == (old.pk, 1)


def test_a_twin_with_the_same_uuid_takes_nothing(house: House) -> None:
    vm = house.adopted()
    house.machine(vmid=(vm.vmid or 0) + 500, uuid=str(vm.smbios_uuid))
    house.cycle(3)
    assert (house.row(vm.vmid or 0).pk, VirtualMachine.objects.count()) == (vm.pk, 1)


def test_a_machine_without_uuid_belongs_to_nobody(house: House) -> None:
    vmid = house.machine()["vmid"]
    house.devcluster.change(vmid, delete=["smbios1"])
    house.cycle(4)
    assert (house.row(vmid).pool, house.row(vmid).smbios_uuid) == (None, None)


def test_the_sweep_notices_what_the_list_does_not_show(house: House) -> None:
    """The same name and size, and nothing in the task list: only its settings tell."""
    vm = house.adopted(name="web", cores=1, memory_mib=512, disk_gib=8)
    recreate(house, vm, reported=True)
    house.at += timedelta(hours=2)
    house.devcluster.advance(7200)
    sweep(house.cluster, house.at)
    house.cycle()
    vm.refresh_from_db()
    assert (vm.vmid, vm.missing_since) == (None, house.at)


def test_the_task_list_tells_of_a_twin_that_the_list_does_not_show(house: House) -> None:
    house.devcluster.control("POST", "/pools", {"poolid": "alice"})
    first = make_by_api(house)
    house.cycle()
    old = house.row(20_001)
    house.cluster.delete(first, purge=True)
    house.devcluster.wait_until(lambda state: "20001" not in state["guests"], parts="guests")
    second = make_by_api(house)
    house.cycle()
    assert (str(house.row(20_001).smbios_uuid), house.row(20_001).pk != old.pk) == (second.uuid, True)


def make_by_api(house: House) -> GuestRef:
    """A machine that Proxmox's task list knows of."""
    ref = GuestRef("pve1", 20_001, str(uuid.uuid4()), "alice")
    house.cluster.create(
        NewGuest(
            node=ref.node,
            vmid=ref.vmid,
            uuid=ref.uuid,
            name="web",
            poolid="alice",
            cores=1,
            memory_mib=512,
            disk_gib=4,
            storage="shared",
            bridge="vmbr0",
        )
    )
    house.devcluster.wait_until(lambda state: all(job["status"] == "stopped" for job in state["jobs"]), parts="jobs")
    return ref


def test_an_operation_never_writes_one_machine_into_anothers_row(house: House) -> None:
    vm = make_vm(house.cast.alices, vmid=20_001, smbios_uuid=uuid.uuid4())
    made = house.machine(vmid=20_001)
    config = house.cluster.guest_config(made["node"], 20_001)
    with pytest.raises(WrongMachine):
        apply_guest(vm, config, None, house.at)
    vm.refresh_from_db()
    assert (vm.cores, vm.config_read_at) == (1, None)


def remade(house: House, vm: VirtualMachine, name: str, rng: random.Random) -> VirtualMachine:
    """The next machine in this one's slot, made there in one of the ways."""
    VirtualMachine.objects.filter(pk=vm.pk).update(created_by=house.cast.alice, login_user="debian")
    if rng.random() < 0.5:
        house.devcluster.destroy(30_000)
        if rng.random() < 0.5:
            house.cycle()
        house.machine(vmid=30_000, name=name, pool=rng.choice(POOLS))
    else:
        recreate(house, vm, pool=rng.choice(POOLS), name=name)
    house.cycle()
    return house.row(30_000)


def test_sequences_in_one_slot_carry_nothing_over(house: House) -> None:
    """R-20: destroyed and made again in the same slot, by whichever way the list or a task tells (the rest: sweep)."""
    rng, sequences, carried, broken = random.Random(20), scaled(40, 200), 0, 0
    vm = house.adopted(vmid=30_000, name="web")
    for number in range(sequences):
        with nth_try(number):
            new = remade(house, vm, f"web-{number}", rng)
        carried += new.pk == vm.pk or new.created_by is not None or new.login_user != ""
        house.devcluster.change(30_000, node=rng.choice(["pve1", "pve2", "pve3"]))
        house.cycle()
        broken += house.row(30_000).pk != new.pk
        vm = new
    figure("R-20", "sequences", sequences, "carry-overs", carried, "false breaks", broken)
    assert (carried, broken) == (0, 0)
