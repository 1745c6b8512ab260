"""Disks that are added and disks that grow: where they go, what they count, what is refused, answers that are lost."""

from typing import Any

import pytest
from pytest_django import Settings

from quotas.errors import QuotaExceeded
from quotas.footprint import Footprint
from quotas.usage import figures
from tests.vms.operations.growing import HUGE, allow, config, fresh, known, who
from tests.vms.operations.workshop import Workshop
from vms.models import Operation, Storage
from vms.operations import Refusal, request_add_disk, request_detach_disk, request_grow_disk
from vms.states import OperationState


@pytest.mark.parametrize("status", ["stopped", "running"])
def test_a_disk_is_added_in_the_next_slot_and_counts(shop: Workshop, status: str) -> None:
    vm = known(shop, status=status)

    op = request_add_disk(vm, size_gib=3, **who(shop))
    held = figures(shop.cast.alices).held
    op = shop.work(op)

    assert held == Footprint(disk_gib=3)
    assert (op.state, op.sentence) == (OperationState.SUCCEEDED, "web-01 has a new disk of 3 GiB, scsi1.")
    assert "shared:" in config(shop, vm)["scsi1"]
    assert figures(shop.cast.alices).used.disk_gib == 7


def test_a_running_machine_with_ide_disks_gets_it_after_the_next_start(shop: Workshop) -> None:
    vm = known(shop, status="running", config={"boot": "order=ide0", "ide0": "shared:vm-900-disk-9,size=1G"})

    op = shop.work(request_add_disk(vm, size_gib=3, **who(shop)))

    assert op.sentence == ("web-01 has a new disk of 3 GiB, ide1. It holds after the next shut down and start.")
    assert figures(shop.cast.alices).used.disk_gib == fresh(vm).disk_gib == 8


def test_a_slot_in_which_something_waits_is_never_taken(shop: Workshop) -> None:
    vm = known(shop, status="running", obeys_shutdown=False)
    shop.work(request_add_disk(vm, size_gib=1, **who(shop)))
    shop.work(request_detach_disk(fresh(vm), slot="scsi1", **who(shop, "the-key-0002")))
    assert "scsi1" in shop.cluster.all_guests()[vm.vmid or 0]["pending"]

    op = shop.work(request_add_disk(fresh(vm), size_gib=2, **who(shop, "the-key-0003")))

    assert op.wish["slot"] == "scsi2"


def test_a_machine_whose_slots_are_all_taken_gets_no_disk(shop: Workshop) -> None:
    drives = {f"ide{n}": f"shared:vm-900-disk-{n},size=1G" for n in range(4)}
    vm = known(shop, config={"boot": "order=ide0", **drives})

    op = shop.work(request_add_disk(vm, size_gib=1, **who(shop)))

    assert op.sentence == (
        "Proxmox did not add a disk to web-01. There is no free place for another disk in it. Nothing was changed."
    )
    assert figures(shop.cast.alices).held == Footprint()


def test_a_disk_goes_only_to_a_storage_that_members_may_choose(shop: Workshop, settings: Settings) -> None:
    vm = known(shop)
    Storage.objects.create(node_id=Storage.objects.filter(node__name=vm.node)[0].node_id, name="fast", content="images")

    with pytest.raises(Refusal) as refusal:
        request_add_disk(vm, size_gib=1, storage="fast", **who(shop))
    settings.PROXMOX_VM_STORAGES = ("fast",)
    op = request_add_disk(vm, size_gib=1, storage="fast", **who(shop))

    assert (refusal.value.field, op.wish["storage"]) == ("storage", "fast")
    op.wish = {**op.wish, "storage": "shared"}
    op.save()


def test_more_disk_than_the_pool_has_is_refused_in_numbers(shop: Workshop) -> None:
    vm = known(shop)
    allow(cores=None, memory_mib=None, disk_gib=6)

    with pytest.raises(QuotaExceeded, match="This needs 3 GiB of disk; 2 GiB of 6 GiB are free"):
        request_add_disk(vm, size_gib=3, **who(shop))
    with pytest.raises(QuotaExceeded, match="This needs 4 GiB of disk; 2 GiB of 6 GiB are free"):
        request_grow_disk(vm, slot="scsi0", size_gib=8, **who(shop))


def test_one_machine_has_no_more_disks_and_no_more_disk_than_its_policy_says(shop: Workshop) -> None:
    vm = known(shop)
    allow(cores=None, memory_mib=None, disk_gib=None, disks_per_vm=1)
    with pytest.raises(Refusal, match="One VM may have 1 disk here; this would be number 2"):
        request_add_disk(vm, size_gib=1, **who(shop))

    allow(disks_per_vm=None, vm_disk_gib=5)
    with pytest.raises(Refusal, match="One VM may have 5 GiB of disk here; this makes 6 GiB"):
        request_grow_disk(vm, slot="scsi0", size_gib=6, **who(shop))


@pytest.mark.parametrize("status", ["stopped", "running"])
def test_a_disk_grows_to_the_size_asked_for(shop: Workshop, status: str) -> None:
    vm = known(shop, status=status)

    op = request_grow_disk(vm, slot="scsi0", size_gib=6, **who(shop))
    held = figures(shop.cast.alices).held
    op = shop.work(op)

    assert held == Footprint(disk_gib=2)
    assert op.sentence == "The disk scsi0 of web-01 has 6 GiB. The guest has to grow its file system."
    assert "size=6G" in config(shop, vm)["scsi0"]
    assert figures(shop.cast.alices).used.disk_gib == 6


@pytest.mark.parametrize("size_gib", [1, 4], ids=["smaller", "the-same"])
def test_a_disk_never_shrinks(shop: Workshop, size_gib: int) -> None:
    vm = known(shop)

    with pytest.raises(Refusal) as refusal:
        request_grow_disk(vm, slot="scsi0", size_gib=size_gib, **who(shop))

    assert refusal.value.sentence == "It has 4 GiB already, and disks cannot shrink. Write a larger size."
    assert refusal.value.field == "size_gib"


@pytest.mark.parametrize("slot", ["scsi7", "ide2", "", "scsi0,size=9T"], ids=["empty", "drive", "none", "words"])
def test_only_a_disk_of_this_machine_can_grow(shop: Workshop, slot: str) -> None:
    vm = known(shop, config={"ide2": "none,media=cdrom"})

    with pytest.raises(Refusal, match="It has no such disk"):
        request_grow_disk(vm, slot=slot, size_gib=8, **who(shop))


def test_a_detached_disk_does_not_grow(shop: Workshop) -> None:
    vm = known(shop)
    shop.work(request_add_disk(vm, size_gib=1, **who(shop)))
    shop.work(request_detach_disk(fresh(vm), slot="scsi1", **who(shop, "the-key-0002")))

    with pytest.raises(Refusal, match=r"It is detached\. Only a disk in use can grow"):
        request_grow_disk(fresh(vm), slot="unused0", size_gib=8, **who(shop, "the-key-0003"))


@pytest.mark.parametrize("number", [-1, 0, 1.5, HUGE, True], ids=["negative", "zero", "fraction", "huge", "flag"])
def test_a_number_no_disk_can_have_is_refused_beside_its_field(shop: Workshop, number: Any) -> None:
    vm = known(shop)

    with pytest.raises(Refusal, match="Size in GiB must be a whole number from 1 to 65536") as adding:
        request_add_disk(vm, size_gib=number, **who(shop))
    with pytest.raises(Refusal) as growing:
        request_grow_disk(vm, slot="scsi0", size_gib=number, **who(shop))

    assert (adding.value.field, growing.value.field) == ("size_gib", "size_gib")
    assert not Operation.objects.exists()


@pytest.mark.parametrize("kind", ["lose_before", "lose_after", "cut_mid_answer"])
def test_a_lost_answer_adds_one_disk_and_no_more(shop: Workshop, kind: str) -> None:
    vm = known(shop)

    with shop.cluster.fault(kind, method="PUT", path_regex=r"/qemu/\d+/config$", times=1):
        op = shop.work(request_add_disk(vm, size_gib=3, **who(shop)))

    assert op.sentence == "web-01 has a new disk of 3 GiB, scsi1."
    assert [slot for slot in config(shop, vm) if slot.startswith("scsi") and slot != "scsihw"] == ["scsi0", "scsi1"]


@pytest.mark.parametrize("kind", ["lose_before", "lose_after", "cut_mid_answer"])
def test_a_lost_answer_grows_the_disk_once(shop: Workshop, kind: str) -> None:
    vm = known(shop)

    with shop.cluster.fault(kind, method="PUT", path_regex=r"/qemu/\d+/resize$", times=1):
        op = shop.work(request_grow_disk(vm, slot="scsi0", size_gib=6, **who(shop)))

    assert op.sentence == "The disk scsi0 of web-01 has 6 GiB. The guest has to grow its file system."
    assert len(shop.cluster.effects("resize")) == 1


@pytest.mark.parametrize("wish", ["add", "grow"])
def test_a_machine_that_was_changed_elsewhere_is_left_alone(shop: Workshop, wish: str) -> None:
    vm = known(shop)
    asked = who(shop) | {"digest": vm.config_digest}
    add = wish == "add"
    op = request_add_disk(vm, size_gib=2, **asked) if add else request_grow_disk(vm, slot="scsi0", size_gib=6, **asked)
    shop.cluster.change(vm.vmid or 0, config={"cores": "2"})

    op = shop.work(op)

    assert op.state == OperationState.FAILED
    assert "It was changed elsewhere meanwhile." in op.sentence
    assert figures(shop.cast.alices).used.disk_gib == 4


def test_a_slot_that_holds_another_disk_by_now_is_left_alone(shop: Workshop) -> None:
    vm = known(shop)
    op = request_grow_disk(vm, slot="scsi0", size_gib=6, **who(shop))
    shop.cluster.change(vm.vmid or 0, config={"scsi0": "shared:vm-900-disk-7,size=1G"})

    op = shop.work(op)

    assert "It holds another disk now." in op.sentence
    assert shop.cluster.effects("resize") == []
