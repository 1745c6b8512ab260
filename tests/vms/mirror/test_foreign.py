"""What somebody does to our machines in Proxmox itself stands in the activity of machine and member."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.devcluster.api import Api
from tests.factories import make_operation, make_vm
from tests.figures import figure
from tests.vms.mirror.house import House
from vms import timeline
from vms.mirror.foreign import read_tasks
from vms.models import ClusterTask, Node, VirtualMachine
from vms.operations.locks import lock_machine
from vms.states import OperationState


@pytest.fixture
def boss(house: House) -> Iterator[Api]:
    """An administrator of the cluster, with a token of their own."""
    token = {"tokenid": "desk", "value": "5f1c1d3e-0000-4000-8000-000000000001"}
    asked = {"userid": "boss@pve", "tokens": [token], "acl": [{"path": "/", "role": "Administrator"}]}
    house.devcluster.control("POST", "/users", asked)
    with Api(house.devcluster, f"PVEAPIToken=boss@pve!desk={token['value']}") as api:
        yield api


def read(house: House) -> int:
    """A minute passes, then the lists are read."""
    house.cycle(seconds=60)
    return read_tasks(house.cluster, house.at)


def done_by_hand(house: House, boss: Api, vm: VirtualMachine, what: str = "start") -> None:
    """In Proxmox's own interface."""
    assert boss.send("POST", f"/nodes/{vm.node}/qemu/{vm.vmid}/status/{what}").status == 200
    house.devcluster.wait_until(lambda now: all(job["status"] == "stopped" for job in now["jobs"]), parts="jobs")


def test_a_start_by_hand_is_in_the_activity_with_whose_it_was(house: House, boss: Api, client: Client) -> None:
    vm = house.adopted(name="web-01")
    done_by_hand(house, boss, vm)

    assert read(house) == 1
    client.force_login(house.cast.alice)
    page = client.get(f"/vms/{vm.pk}/activity/").content.decode()
    assert "Started web-01 in Proxmox" in page
    assert "boss@pve!desk" in page


def test_reading_again_writes_it_once(house: House, boss: Api) -> None:
    done_by_hand(house, boss, house.adopted())

    assert (read(house), read(house), read(house)) == (1, 0, 0)
    assert ClusterTask.objects.count() == 1


def test_the_portals_own_tasks_are_not_told_twice(house: House) -> None:
    vm = house.adopted()
    with Api(house.devcluster) as portal:
        done_by_hand(house, portal, vm)

    assert read(house) == 0


def test_a_failure_says_so_and_keeps_proxmoxs_words_under_details(house: House, boss: Api) -> None:
    vm = house.adopted(name="web-01")
    with house.devcluster.fault("task_ends", type="qmstart", exitstatus="no space left"):
        done_by_hand(house, boss, vm)
    read(house)

    entry = timeline.of_machine(vm).object_list[0]

    assert (entry.what, entry.state.word) == ("Start of web-01 in Proxmox", "Failed")
    assert "no space left" in entry.details


def test_a_silent_node_changes_nothing_and_is_caught_up_with(house: House, boss: Api) -> None:
    done_by_hand(house, boss, house.adopted())
    read_at = Node.objects.get(name="pve1").tasks_read_at
    with house.devcluster.fault("lose_before", match={"method": "GET", "path_regex": "/tasks$"}):
        assert read(house) == 0
    assert Node.objects.get(name="pve1").tasks_read_at == read_at

    assert read(house) == 1


def test_a_machines_past_is_not_handed_to_who_sits_in_its_slot_now(house: House, boss: Api) -> None:
    old = house.adopted(name="old")
    done_by_hand(house, boss, old)
    slot = old.vmid
    VirtualMachine.objects.filter(pk=old.pk).update(vmid=None, lifecycle="gone", gone_at=timezone.now())
    new = make_vm(house.cast.bobs, "new", vmid=slot)
    VirtualMachine.objects.filter(pk=new.pk).update(created_at=timezone.now() + timedelta(minutes=10))

    read_tasks(house.cluster, house.at)

    assert not ClusterTask.objects.exists()


def test_tasks_of_who_came_into_the_slot_are_not_told_of_who_was_there(house: House, boss: Api) -> None:
    """Before the mirror has read the newcomer, too: Proxmox is asked who is there."""
    vm = house.adopted(name="web-01")
    house.devcluster.change(vm.vmid or 0, recreate=True)
    done_by_hand(house, boss, vm)

    read_tasks(house.cluster, house.at)

    assert not ClusterTask.objects.exists()


def test_the_task_that_removed_a_machine_is_its_last(house: House, boss: Api) -> None:
    vm = house.adopted(name="web-01", pool="alice")
    path = f"/nodes/{vm.node}/qemu"
    VirtualMachine.objects.filter(pk=vm.pk).update(config_read_at=timezone.now() - timedelta(minutes=5))
    assert boss.task("DELETE", f"{path}/{vm.vmid}") == "OK"
    made = {"vmid": vm.vmid, "name": "new", "pool": "bob", "memory": 512, "scsi0": "shared:1"}
    house.devcluster.control("POST", "/pools", {"poolid": "bob"})
    assert boss.task("POST", path, **made) == "OK"

    read_tasks(house.cluster, house.at)
    house.cycle()
    read_tasks(house.cluster, house.at)

    told = list(ClusterTask.objects.values_list("vm_id", "kind"))
    new = house.row(vm.vmid or 0)
    assert (vm.pk, "qmdestroy") in told
    assert (vm.pk, "qmcreate") not in told
    assert (new.pk, "qmdestroy") not in told


def test_one_list_holds_operations_locks_and_hands_in_the_order_of_time(house: House, boss: Api) -> None:
    vm = house.adopted(name="web-01")
    make_operation(vm, house.cast.alice, state=OperationState.SUCCEEDED)
    done_by_hand(house, boss, vm)
    lock_machine(vm, by=house.cast.rita, reason="Mines coins.", address="", now=timezone.now())
    read(house)

    entries = timeline.of_machine(vm).object_list

    assert any(each.who == "Proxmox" for each in entries)  # when it was first read
    entries = [each for each in entries if each.who != "Proxmox"]
    assert {(each.who, bool(each.operation), each.in_proxmox) for each in entries} == {
        ("alice", True, False), ("boss@pve!desk", False, True), ("rita", False, False),
    }  # fmt: skip
    assert [each.at for each in entries] == sorted((each.at for each in entries), reverse=True)
    assert [each.what for each in timeline.of_person(house.cast.bob).object_list] == []
    figure("timeline", "sources", 3, "entries", len(entries))


def migrating(house: House, vm: VirtualMachine, log: list[str]) -> str:
    """Somebody moves it to another node in Proxmox's own interface; the task's UPID."""
    asked = {"node": vm.node, "type": "qmigrate", "id": str(vm.vmid), "user": "boss@pve", "log": log}
    VirtualMachine.objects.filter(pk=vm.pk).update(lock="migrate")
    return str(house.devcluster.control("POST", "/tasks", asked)["upid"])


def head_of_console(client: Client, house: House, vm: VirtualMachine) -> str:
    """The console page as alice loads it."""
    VirtualMachine.objects.filter(pk=vm.pk).update(lock="migrate", last_seen=timezone.now())
    client.force_login(house.cast.alice)
    return client.get(f"/vms/{vm.pk}/console/").content.decode()


SAYS = "2026-11-28 10:00:00 starting migration of VM {vmid} to node 'pve2' (192.0.2.2)"
UNTOLD = "Moving to another node (Proxmox)"


def test_the_console_page_names_the_node_a_migration_goes_to_until_it_has_ended(house: House, client: Client) -> None:
    vm = house.adopted(name="web-01")
    upid = migrating(house, vm, ["2026-11-28 09:59:59 use dedicated network", SAYS.format(vmid=vm.vmid)])
    assert UNTOLD in head_of_console(client, house, vm)  # nobody has read the task yet

    read_tasks(house.cluster, timezone.now())
    assert "Moving to pve2 (Proxmox)" in head_of_console(client, house, vm)
    house.devcluster.control("PATCH", "/tasks", {"upid": upid, "exitstatus": "migration aborted"})
    read_tasks(house.cluster, timezone.now())

    assert UNTOLD in head_of_console(client, house, vm)
    assert timeline.of_machine(vm).object_list[0].what == "Move to another node: web-01 in Proxmox"


@pytest.mark.parametrize("log", [[], ["starting migration of VM 1 to node 'pve2' (192.0.2.2)"], ["to node 'pve2'"]])
def test_no_node_is_named_where_the_log_does_not_say_it_of_this_machine(
    house: House, client: Client, log: list[str]
) -> None:
    vm = house.adopted(name="web-01")
    migrating(house, vm, log)

    read_tasks(house.cluster, timezone.now())

    assert UNTOLD in head_of_console(client, house, vm)


def test_an_earlier_migration_names_no_node_for_the_next(house: House, client: Client) -> None:
    vm = house.adopted(name="web-01")
    migrating(house, vm, [SAYS.format(vmid=vm.vmid)])
    read_tasks(house.cluster, timezone.now())

    VirtualMachine.objects.filter(pk=vm.pk).update(node="pve3")  # it has arrived, and its end was not read

    assert UNTOLD in head_of_console(client, house, vm)


def test_a_log_that_is_refused_leaves_the_node_unnamed_and_the_task_told(house: House, client: Client) -> None:
    vm = house.adopted(name="web-01")
    migrating(house, vm, [SAYS.format(vmid=vm.vmid)])
    refused = {"sentence": "Permission check failed (/nodes/pve1, Sys.Audit)", "match": {"path_regex": "/log$"}}

    with house.devcluster.fault("error500", **refused):
        assert read_tasks(house.cluster, timezone.now()) == 1

    assert UNTOLD in head_of_console(client, house, vm)
