"""What a cycle finds and writes."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from accounts.models import AuditEvent
from tests.factories import make_operation, make_vm
from tests.vms.mirror.house import House
from vms.cluster import Cluster
from vms.mirror import read
from vms.mirror.apply import apply_guest
from vms.mirror.sync import sync
from vms.models import MirrorRun, Node, VirtualMachine
from vms.states import Lifecycle, OperationKind, Power


def test_a_machine_in_a_bound_pool_is_adopted(house: House) -> None:
    made = house.machine(name="web", cores=2, memory_mib=1024, disk_gib=8, status="running", node="pve2")
    run = house.cycle()
    vm = house.row(made["vmid"])
    assert (vm.pool, vm.lifecycle, vm.name, vm.node) == (house.cast.alices, Lifecycle.READY, "web", "pve2")
    assert (vm.cores, vm.memory_mib, vm.disk_gib, vm.power) == (2, 1024, 8, Power.RUNNING)
    assert str(vm.smbios_uuid) == made["uuid"]
    assert (run.answered, run.is_complete, run.note) == (True, True, "")
    assert AuditEvent.objects.get(verb="vm.appeared").pool == house.cast.alices


@pytest.mark.parametrize("pool", [None, "house-infra"])
def test_a_machine_elsewhere_is_nobodys(house: House, pool: str | None) -> None:
    made = house.machine(name="gateway", pool="house-infra")
    house.devcluster.change(made["vmid"], pool=pool or "house-infra")
    house.cycle(3)
    vm = house.row(made["vmid"])
    assert vm.pool is None
    assert not VirtualMachine.objects.visible_to(house.cast.alice).exists()
    assert VirtualMachine.objects.visible_to(house.cast.rita).get() == vm


def test_templates_are_no_machines(house: House) -> None:
    house.cycle(2)
    assert not VirtualMachine.objects.exists()


def test_a_cycle_without_change_writes_nothing_and_asks_twice(house: House) -> None:
    vm = house.adopted(status="stopped")
    house.cycle(2)
    run = house.cycle()
    assert (run.requests, run.changed, run.seen) == (2, 0, 1)
    vm.refresh_from_db()
    assert vm.last_seen == house.at


def test_what_was_changed_in_proxmox_is_read(house: House) -> None:
    vm = house.adopted(cores=1, memory_mib=512)
    house.devcluster.change(vm.vmid or 0, config={"cores": "4", "memory": "2048", "onboot": "1"})
    house.cycle()
    vm.refresh_from_db()
    assert (vm.cores, vm.memory_mib, vm.start_at_boot) == (4, 2048, True)


def test_power_follows_the_cluster(house: House) -> None:
    vm = house.adopted(status="stopped")
    for status in (Power.RUNNING, Power.PAUSED, Power.RUNNING, Power.STOPPED):
        house.devcluster.change(vm.vmid or 0, status=status)
        house.cycle()
        vm.refresh_from_db()
        assert (vm.power, vm.last_known_power) == (status, status)


def test_a_machine_that_moved_to_another_node_keeps_its_owner(house: House) -> None:
    vm = house.adopted(node="pve1")
    house.devcluster.change(vm.vmid or 0, node="pve3")
    house.cycle()
    vm.refresh_from_db()
    assert (vm.node, vm.pool, vm.missing_since) == ("pve3", house.cast.alices, None)


def test_a_silent_node_makes_power_unknown_and_frees_nothing(house: House) -> None:
    vm = house.adopted(node="pve2", status="running", cores=2)
    seen = vm.last_seen
    with house.devcluster.fault("node_down", node="pve2"):
        run = house.cycle()
        vm.refresh_from_db()
        assert (vm.power, vm.last_known_power, vm.cores) == (Power.UNKNOWN, Power.RUNNING, 2)
        assert vm.last_seen == seen
        assert (run.is_complete, run.silent_nodes) == (False, ["pve2"])
        assert not Node.objects.get(name="pve2").is_online
    house.cycle()
    vm.refresh_from_db()
    assert vm.power == Power.RUNNING
    assert Node.objects.get(name="pve2").is_online


def test_a_hanging_node_is_asked_once_and_the_others_are_read(house: House) -> None:
    house.machine(node="pve1", name="quick")
    for name in ("slow-1", "slow-2", "slow-3"):
        house.machine(node="pve2", name=name)
    with house.devcluster.fault("node_hang", node="pve2"):
        run = house.cycle()
    assert list(VirtualMachine.objects.values_list("name", flat=True)) == ["quick"]
    assert run.silent_nodes == ["pve2"]
    house.cycle()
    assert VirtualMachine.objects.count() == 4


def test_proxmox_down_leaves_every_row_as_it_was(house: House, settings: Settings) -> None:
    vm = house.adopted(status="running")
    before = VirtualMachine.objects.filter(pk=vm.pk).values().get()
    settings.PROXMOX_HOSTS = (("127.0.0.1", 1),)  # nobody listens there
    run = house.cycle()
    assert (run.answered, run.is_complete) == (False, False)
    assert "does not answer" in run.note
    assert VirtualMachine.objects.filter(pk=vm.pk).values().get() == before


def test_a_new_machine_that_tells_nothing_yet_counts_with_what_is_set(house: House) -> None:
    vmid = house.machine(cores=2, memory_mib=1024, reported=False)["vmid"]
    house.cycle()
    vm = house.row(vmid)
    assert (vm.cores, vm.memory_mib, vm.disk_gib) == (2, 1024, 8)


def test_a_machine_being_created_is_left_to_its_operation(house: House) -> None:
    vm = make_vm(house.cast.alices, "new", lifecycle=Lifecycle.CREATING, smbios_uuid=None, vmid=20_001, last_seen=None)
    make_operation(vm, house.cast.alice, kind=OperationKind.CREATE)
    house.machine(vmid=20_001, name="other")
    house.cycle(3)
    vm.refresh_from_db()
    assert (vm.lifecycle, vm.smbios_uuid, vm.cores) == (Lifecycle.CREATING, None, 1)
    assert VirtualMachine.objects.count() == 1


def test_a_machine_removed_a_moment_ago_is_not_made_again(house: House) -> None:
    vm = house.adopted()
    VirtualMachine.objects.filter(pk=vm.pk).update(lifecycle=Lifecycle.GONE, gone_at=house.at + timedelta(seconds=20))
    house.cycle()
    assert VirtualMachine.objects.count() == 1


def test_runs_are_recorded_one_by_one(house: House) -> None:
    house.cycle(3)
    assert MirrorRun.objects.filter(is_complete=True, finished_at__isnull=False).count() == 3


def test_a_list_that_lags_ten_seconds_never_shows_a_false_step(house: House, settings: Settings) -> None:
    settings.LIST_LAG_S = 15
    vm = house.adopted(status="stopped")
    house.cycle(2)
    house.devcluster.control("POST", "/windows", {"resources_lag": 10})
    house.devcluster.change(vm.vmid or 0, status="running", reported=False)
    config = house.cluster.guest_config(vm.node, vm.vmid or 0)
    vm.refresh_from_db()
    apply_guest(vm, config, house.cluster.guest_status(vm.node, vm.vmid or 0), house.at + timedelta(seconds=1))
    shown = []
    for _ in range(6):
        house.cycle(seconds=5)
        shown.append(house.row(vm.vmid or 0).power)
    assert shown == [Power.RUNNING] * 6


def test_many_new_machines_are_read_over_several_cycles(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "MOST_CONFIGS", 3)
    for _ in range(5):
        house.machine()
    house.cycle()
    assert VirtualMachine.objects.count() == 3
    house.cycle()
    assert VirtualMachine.objects.count() == 5


def test_without_the_right_to_the_clusters_tasks_each_node_is_asked(house: House) -> None:
    vm = house.adopted()
    house.devcluster.destroy(house.machine()["vmid"])
    gateway = Cluster(house.cluster.config)  # it has not asked yet what its token may do
    with house.devcluster.fault("narrow_token", paths=["/"], privileges=["Sys.Audit"]):
        for requests in (5, 4):
            house.at += timedelta(seconds=15)
            run = sync(gateway, house.at)
            assert run is not None
            assert (run.requests, run.is_complete) == (requests, True)
        house.devcluster.destroy(vm.vmid or 0)
        for _ in range(4):
            house.at += timedelta(seconds=60)
            sync(gateway, house.at)
    assert house.row(vm.vmid or 0).missing_since == house.at
