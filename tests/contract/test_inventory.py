import pytest

from tests.contract.target import Target
from vms.cluster.types import GuestRef

pytestmark = [pytest.mark.contract]


def test_the_release_is_told(target: Target) -> None:
    assert target.cluster.version().numbers >= (8,)


def test_nodes_storages_machines_and_pools_are_read(target: Target, machine: GuestRef) -> None:
    found = target.cluster.read()

    assert target.node in {node.name for node in found.nodes if node.is_online}
    assert {row.node for row in found.storages} <= {node.name for node in found.nodes}
    mine = next(guest for guest in found.guests if guest.vmid == machine.vmid)
    assert (mine.node, mine.poolid, mine.is_template) == (machine.node, machine.poolid, False)
    assert target.poolid in {pool.poolid for pool in found.pools}
    assert target.poolid in {pool.poolid for pool in target.cluster.pools()}


def test_the_quorum_is_told_where_the_token_may_ask(target: Target) -> None:
    if "Sys.Audit" not in target.cluster.permissions().get("/", frozenset()):
        pytest.skip("the token lacks Sys.Audit on /")

    found = target.cluster.cluster_status()

    assert found.quorate
    assert target.node in found.online_nodes
    assert target.cluster.read(with_quorum=True).quorate is True


def test_what_a_machine_was_made_with_is_read_back(target: Target, machine: GuestRef) -> None:
    found = target.cluster.guest_config(machine.node, machine.vmid)

    assert (found.uuid, found.name, found.cores, found.memory_mib) == (machine.uuid, "contract-shared", 1, 128)
    assert (found.disk_gib, found.unsized_slots, found.boot_order) == (1, (), ("scsi0", "ide2"))
    assert [(nic.model, nic.bridge, len(nic.mac)) for nic in found.nics] == [("virtio", target.bridge(), 17)]
    assert found.description.strip() == "made by the contract suite"
    assert len(found.digest) == 40
    assert target.power(machine) == "stopped"


def test_a_task_is_found_again_in_the_list_and_its_log_ends_well(target: Target, machine: GuestRef) -> None:
    upid = target.cluster.stop(machine)
    assert target.end_of(upid) == "OK"

    listed = {task.upid: task for task in target.cluster.node_tasks(machine.node, upid.started_at_s, machine.vmid)}
    assert listed[upid].exit_text == "OK"
    assert target.cluster.task_log(upid, limit=500)[-1] == "TASK OK"
    assert upid in {task.upid for task in target.cluster.recent_tasks((machine.node,), upid.started_at_s)}


def test_a_storage_lists_the_machines_disk(target: Target, machine: GuestRef) -> None:
    (disk,) = (disk for disk in target.cluster.guest_config(machine.node, machine.vmid).disks if disk.is_counted)

    found = {volume.volid: volume for volume in target.cluster.volumes(machine.node, disk.storage, "images")}

    assert (found[disk.volume].vmid, found[disk.volume].size_bytes) == (machine.vmid, 1024**3)


def test_the_pools_members_are_told_at_once(target: Target, machine: GuestRef) -> None:
    assert machine.vmid in target.cluster.pool_members(target.poolid)


def test_rights_name_paths_and_privileges(target: Target) -> None:
    found = target.cluster.permissions()

    assert found
    assert any("VM.Allocate" in privileges for privileges in found.values())


def test_a_slot_is_taken_or_free(target: Target, machine: GuestRef) -> None:
    assert target.cluster.slot_is_taken(machine.vmid)
    assert not target.cluster.slot_is_taken(target.free_vmid())
