"""What is written of one machine, and that nothing told is ever made zero."""

from datetime import timedelta

from pytest_django import Settings

from tests.vms.mirror.house import House
from vms.mirror.apply import apply_guest
from vms.models import VirtualMachine
from vms.states import Power


def test_an_operation_writes_what_it_read(house: House) -> None:
    vm = house.adopted(status="stopped")
    house.devcluster.change(vm.vmid or 0, status="running", config={"cores": "2"})
    config, status = (
        house.cluster.guest_config(vm.node, vm.vmid or 0),
        house.cluster.guest_status(vm.node, vm.vmid or 0),
    )
    apply_guest(vm, config, status, house.at + timedelta(seconds=1))
    vm.refresh_from_db()
    assert (vm.cores, vm.power, vm.config_read_at) == (2, Power.RUNNING, house.at + timedelta(seconds=1))


def test_without_a_status_the_power_stays(house: House) -> None:
    vm = house.adopted(status="running")
    apply_guest(vm, house.cluster.guest_config(vm.node, vm.vmid or 0), None, house.at)
    vm.refresh_from_db()
    assert vm.power == Power.RUNNING


def test_a_list_that_lags_does_not_take_back_what_an_operation_saw(house: House, settings: Settings) -> None:
    settings.LIST_LAG_S = 15
    vm = house.adopted(status="stopped")
    vmid = vm.vmid or 0
    house.devcluster.change(vmid, status="running")
    config, status = house.cluster.guest_config(vm.node, vmid), house.cluster.guest_status(vm.node, vmid)
    house.devcluster.change(vmid, status="stopped")  # what a list of before the start would show
    apply_guest(vm, config, status, house.at + timedelta(seconds=10))
    house.cycle()
    assert house.row(vmid).power == Power.RUNNING
    house.cycle()
    assert house.row(vmid).power == Power.STOPPED


def test_all_disks_count_also_detached_and_efi_ones(house: House) -> None:
    vm = house.adopted(disk_gib=8)
    more = {"scsi1": "shared:1/vm-1-disk-7.qcow2,size=1536M", "efidisk0": "shared:1/vm-1-disk-8.qcow2,size=528K"}
    house.devcluster.change(vm.vmid or 0, config=more, name="grown")
    house.cycle()
    assert house.row(vm.vmid or 0).disk_gib == 10


def test_a_detached_disk_keeps_its_size(house: House) -> None:
    vm = house.adopted(disk_gib=8)
    vmid = vm.vmid or 0
    house.devcluster.change(vmid, config={"scsi1": "shared:1/vm-1-disk-7.qcow2,size=4G"}, name="two")
    house.cycle()
    house.devcluster.change(vmid, config={"unused0": "shared:1/vm-1-disk-7.qcow2"}, delete=["scsi1"], name="one")
    house.cycle()
    assert house.row(vmid).disk_gib == 12


def test_a_detached_disk_nobody_knew_is_measured_at_its_storage(house: House) -> None:
    first, second = house.machine(disk_gib=8), house.machine(disk_gib=16)
    volume = house.cluster.guest_config(second["node"], second["vmid"]).disks[0].volume
    house.devcluster.change(first["vmid"], config={"unused0": volume})
    house.cycle()
    assert house.row(first["vmid"]).disk_gib == 24


def test_what_waits_for_the_next_start_is_kept_beside_what_is_in_force(house: House) -> None:
    vm = house.adopted(status="running", cores=1, memory_mib=512)
    house.devcluster.change(vm.vmid or 0, pending={"cores": "4", "memory": "4096"}, name="bigger-soon")
    house.cycle()
    vm.refresh_from_db()
    assert (vm.cores, vm.pending_cores, vm.memory_mib, vm.pending_memory_mib) == (1, 4, 512, 4096)


def test_hardware_names_disks_and_network_devices(house: House) -> None:
    vm = house.adopted(name="web", disk_gib=8)
    assert [disk["slot"] for disk in vm.hardware["disks"]] == ["scsi0"]
    assert vm.hardware["disks"][0]["size_bytes"] == 8 * 1024**3
    assert vm.hardware["nics"][0]["bridge"] == "vmbr0"
    assert VirtualMachine.objects.get(hardware__name="web") == vm
