import pytest

from tests.contract.target import Target
from vms.cluster import errors
from vms.cluster.types import GuestRef

pytestmark = [pytest.mark.contract]
KEYS = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJgqx0m4z3mUGtJoqJ0sBQtM2uvUV0hBpFDFv2P0m5mQ alice at home",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG4rkXgkmBiq/QXKq6ZzVHsGmbf0hPSmSlbNSoxd9wqG a+b@c",
)


def test_a_machine_is_made_from_an_iso_and_deleted(target: Target) -> None:
    iso = target.iso()

    ref = target.make(iso=iso, name="from-iso")

    config = target.cluster.guest_config(ref.node, ref.vmid)
    assert {(disk.slot, disk.volume) for disk in config.disks if disk.is_cdrom} == {("ide2", iso)}
    assert (config.uuid, config.boot_order) == (ref.uuid, ("scsi0", "ide2"))
    assert target.end_of(target.cluster.delete(ref)) == "OK"
    assert ref.vmid not in target.cluster.pool_members(target.poolid)
    with pytest.raises((errors.NoSuchGuest, errors.NotBound)):
        target.cluster.delete(ref)


@pytest.mark.parametrize("full", [False, True], ids=["linked", "full"])
def test_a_template_is_cloned(target: Target, full: bool) -> None:
    template = target.template()

    ref = target.clone(template, name="a-clone", description="marker", full=full)

    config = target.cluster.guest_config(ref.node, ref.vmid)
    assert config.uuid not in {"", template.uuid}
    assert (config.name, config.description.strip(), config.is_template) == ("a-clone", "marker", False)
    target.remove(ref)


def test_a_clone_gets_its_user_keys_and_network(target: Target) -> None:
    ref = target.clone(target.template(with_cloud_init=True), name="with-keys")

    target.cluster.set_cloud_init(ref, user="alice", ssh_keys=KEYS, ipconfig="ip=dhcp")

    config = target.cluster.guest_config(ref.node, ref.vmid)
    assert (config.cloud_init_user, config.ssh_keys, config.ipconfig) == ("alice", KEYS, "ip=dhcp")
    target.remove(ref)


def test_cloud_init_is_kept_without_a_template_too(target: Target, machine: GuestRef) -> None:
    target.cluster.set_cloud_init(machine, user="alice", ssh_keys=KEYS)

    assert target.cluster.guest_config(machine.node, machine.vmid).ssh_keys == KEYS


def test_a_taken_slot_is_refused_and_its_machine_left_alone(target: Target, machine: GuestRef) -> None:
    with pytest.raises(errors.AlreadyExists):
        target.cluster.create(target.new_guest(vmid=machine.vmid))

    assert target.cluster.guest_config(machine.node, machine.vmid).uuid == machine.uuid


def test_a_clone_into_a_taken_slot_fails_at_once_or_in_its_task(target: Target, machine: GuestRef) -> None:
    template = target.template()

    try:
        upid = target.cluster.clone(template, vmid=machine.vmid, name="late", poolid=target.poolid)
    except errors.AlreadyExists:
        pass
    else:
        assert target.end_of(upid) != "OK"

    assert target.cluster.guest_config(machine.node, machine.vmid).uuid == machine.uuid


def test_a_machine_moves_to_another_pool_and_is_bound_there(target: Target) -> None:
    ref, other = target.make(), f"{target.poolid}-other"
    target.cluster.create_pool(other)
    try:
        target.cluster.move_to_pool(ref, other)
        moved = GuestRef(ref.node, ref.vmid, ref.uuid, other)

        assert ref.vmid in target.cluster.pool_members(other)
        with pytest.raises(errors.NotBound):
            target.cluster.delete(ref)
        assert target.end_of(target.cluster.delete(moved)) == "OK"
    finally:
        target.cluster.delete_pool(other)
