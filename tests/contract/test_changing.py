import pytest

from tests.contract.target import Target
from vms.cluster import errors
from vms.cluster.types import GuestChanges, GuestConfig, GuestRef, NicFacts, NicWish

pytestmark = [pytest.mark.contract]
GIB = 1024**3


def test_settings_of_a_stopped_machine_change_at_once(target: Target, machine: GuestRef) -> None:
    before = target.cluster.guest_config(machine.node, machine.vmid)
    changes = GuestChanges(cores=2, memory_mib=256, start_at_boot=True, description="zwei\nZeilen äöü ; & = %")

    target.cluster.configure(machine, changes, digest=before.digest)

    after = target.cluster.guest_config(machine.node, machine.vmid)
    assert (after.cores, after.memory_mib, after.start_at_boot, after.pending_keys) == (2, 256, True, frozenset())
    assert after.description.strip() == "zwei\nZeilen äöü ; & = %"
    undo = GuestChanges(cores=1, memory_mib=128, start_at_boot=False, description="made by the contract suite")
    target.cluster.configure(machine, undo)


def test_an_outdated_digest_changes_nothing(target: Target, machine: GuestRef) -> None:
    with pytest.raises(errors.ConfigChanged):
        target.cluster.configure(machine, GuestChanges(cores=4), digest="0" * 40)

    assert target.cluster.guest_config(machine.node, machine.vmid).cores == 1


def test_what_a_running_machine_cannot_take_waits_and_can_be_taken_back(target: Target, running: GuestRef) -> None:
    target.cluster.configure(running, GuestChanges(cores=2))
    waiting = target.cluster.guest_config(running.node, running.vmid)
    target.cluster.configure(running, GuestChanges(forget=("cores",)))
    taken_back = target.cluster.guest_config(running.node, running.vmid)

    assert (waiting.cores, waiting.pending_cores, waiting.pending_keys) == (1, 2, frozenset({"cores"}))
    assert (taken_back.cores, taken_back.pending_cores, taken_back.pending_keys) == (1, None, frozenset())


def test_the_boot_order_and_the_medium_change(target: Target, machine: GuestRef) -> None:
    target.cluster.configure(machine, GuestChanges(boot_order=("ide2", "scsi0"), cdrom=("ide2", "")))

    config = target.cluster.guest_config(machine.node, machine.vmid)
    assert config.boot_order == ("ide2", "scsi0")
    assert [disk.volume for disk in config.disks if disk.is_cdrom] == ["none"]
    target.cluster.configure(machine, GuestChanges(boot_order=("scsi0", "ide2")))


def test_a_display_gets_a_clipboard_and_loses_it_again(target: Target, running: GuestRef) -> None:
    target.cluster.configure(running, GuestChanges(display="std", has_clipboard=True))
    waiting = config_of(target, running)
    target.cluster.configure(running, GuestChanges(display="std", has_clipboard=False))
    without = config_of(target, running)
    target.cluster.configure(running, GuestChanges(forget=("vga",)))

    assert (waiting.has_clipboard, waiting.has_clipboard_now) == (True, False)
    assert (waiting.display, waiting.pending_keys) == ("std", frozenset({"vga"}))
    assert (without.has_clipboard, without.display_others) == (False, ())
    assert config_of(target, running).pending_keys == frozenset()


def config_of(target: Target, ref: GuestRef) -> GuestConfig:
    """Everything set for it now."""
    return target.cluster.guest_config(ref.node, ref.vmid)


def card_of(target: Target, ref: GuestRef, slot: str) -> NicFacts | None:
    """The network card in that slot."""
    return next((nic for nic in config_of(target, ref).nics if nic.slot == slot), None)


def test_a_network_card_comes_changes_and_goes_with_its_address_kept(target: Target, running: GuestRef) -> None:
    mac, bridge = "BC:24:11:00:00:7A", target.bridge()

    target.cluster.configure(running, GuestChanges(nic=NicWish("net5", bridge, mac, has_firewall=True)))
    added = card_of(target, running, "net5")
    target.cluster.configure(running, GuestChanges(nic=NicWish("net5", bridge, is_link_down=True)))
    changed = card_of(target, running, "net5")
    target.cluster.configure(running, GuestChanges(remove=("net5",)))

    assert added == NicFacts("net5", "virtio", mac, bridge, has_firewall=True)
    assert changed == NicFacts("net5", "virtio", mac, bridge, is_link_down=True)
    assert card_of(target, running, "net5") is None


def test_a_cd_drive_of_a_running_machine_waits_with_its_place_in_the_boot_order(
    target: Target, running: GuestRef
) -> None:
    before = config_of(target, running)

    target.cluster.configure(running, GuestChanges(cdrom=("sata3", "")))
    waiting = config_of(target, running)
    target.cluster.configure(running, GuestChanges(forget=tuple(waiting.pending_keys)))

    assert (waiting.pending_keys, waiting.boot_order[-1]) == (frozenset({"sata3", "boot"}), "sata3")
    after = config_of(target, running)
    assert (after.pending_keys, after.disks, after.boot_order) == (frozenset(), before.disks, before.boot_order)


def test_a_medium_is_inserted_and_ejected_while_the_machine_runs(target: Target, running: GuestRef) -> None:
    iso = target.iso()

    for volid in (iso, ""):
        target.cluster.configure(running, GuestChanges(cdrom=("ide2", volid)))
        config = config_of(target, running)
        found = [disk.volume for disk in config.disks if disk.slot == "ide2"]
        assert (found, config.pending_keys) == ([volid or "none"], frozenset())


def test_a_disk_is_detached_then_deleted_and_leaves_the_boot_order(target: Target) -> None:
    ref = target.make()

    target.cluster.configure(ref, GuestChanges(remove=("scsi0",)))
    detached = config_of(target, ref)
    target.cluster.configure(ref, GuestChanges(remove=("unused0",)))

    assert [(disk.slot, disk.is_unused) for disk in detached.disks if disk.is_counted] == [("unused0", True)]
    assert "scsi0" not in detached.boot_order
    assert [disk.slot for disk in config_of(target, ref).disks if disk.is_counted] == []
    target.remove(ref)


def test_a_detached_disk_that_a_snapshot_needs_is_kept(target: Target) -> None:
    ref = target.make()
    if (end := target.end_of(target.cluster.take_snapshot(ref, "before"))) != "OK":
        pytest.skip(f"this storage keeps no snapshots: {end}")
    target.cluster.configure(ref, GuestChanges(remove=("scsi0",)))

    with pytest.raises(errors.Refused, match="still in use"):
        target.cluster.configure(ref, GuestChanges(remove=("unused0",)))

    assert [disk.slot for disk in config_of(target, ref).disks if disk.is_counted] == ["unused0"]
    target.cluster.configure(ref, GuestChanges(forget=("unused0",)))
    assert config_of(target, ref).pending_keys == frozenset()
    target.remove(ref)


def test_display_and_agent_wait_on_a_running_machine(target: Target, running: GuestRef) -> None:
    target.cluster.configure(running, GuestChanges(display="virtio", has_agent=True))
    waiting = config_of(target, running)
    target.cluster.configure(running, GuestChanges(forget=("vga", "agent")))

    assert (waiting.display, waiting.has_agent, waiting.pending_keys) == ("virtio", True, frozenset({"vga", "agent"}))
    assert config_of(target, running).pending_keys == frozenset()


def test_name_notes_and_tags_hold_at_once(target: Target, running: GuestRef) -> None:
    before = config_of(target, running)
    target.cluster.configure(running, GuestChanges(description="vmportal:7\nold"))

    target.cluster.configure(running, GuestChanges(name="renamed", notes="# Neu ä\nzwei", tags=("b", "a")))
    after = config_of(target, running)
    target.cluster.configure(running, GuestChanges(name=before.name, notes="", tags=()))

    assert (after.name, after.notes, after.markers, after.tags) == (
        "renamed",
        "# Neu ä\nzwei",
        ("vmportal:7",),
        ("a", "b"),
    )
    emptied = config_of(target, running)
    assert (emptied.notes, emptied.tags, emptied.pending_keys) == ("", (), frozenset())
    target.cluster.configure(running, GuestChanges(description=before.description))


def test_a_boot_order_of_a_device_that_is_not_there_is_refused(target: Target, machine: GuestRef) -> None:
    before = config_of(target, machine).boot_order

    with pytest.raises(errors.Refused, match="does not exist"):
        target.cluster.configure(machine, GuestChanges(boot_order=("scsi7",)))

    assert config_of(target, machine).boot_order == before


def test_a_disk_grows_to_a_size_and_the_same_size_again_changes_nothing(target: Target) -> None:
    ref = target.make()

    for _ in range(2):
        assert target.end_of(target.cluster.resize_disk(ref, slot="scsi0", size_gib=2)) == "OK"
        assert target.cluster.guest_config(ref.node, ref.vmid).disk_gib == 2
    assert "not supported" in target.end_of(target.cluster.resize_disk(ref, slot="scsi0", size_gib=1))

    assert target.cluster.guest_config(ref.node, ref.vmid).disk_gib == 2
    target.remove(ref)


def test_power_goes_through_its_states(target: Target, running: GuestRef) -> None:
    cluster = target.cluster
    assert target.power(running) == "running"

    assert target.end_of(cluster.suspend(running)) == "OK"
    assert target.power(running) == "paused"
    assert target.end_of(cluster.resume(running)) == "OK"
    assert target.power(running) == "running"
    assert target.end_of(cluster.reset(running)) == "OK"
    assert target.end_of(cluster.shutdown(running, timeout_s=1, force_after=True)) == "OK"
    assert target.power(running) == "stopped"


def test_a_shutdown_nobody_heeds_fails_and_is_overruled(target: Target, running: GuestRef) -> None:
    end = target.end_of(target.cluster.shutdown(running, timeout_s=1))
    if end == "OK":
        pytest.skip("the guest heeds a shutdown")
    assert "timeout" in end

    target.cluster.shutdown(running, timeout_s=60)
    assert target.end_of(target.cluster.stop(running, overrule_shutdown=True)) == "OK"

    assert target.power(running) == "stopped"


def test_a_start_of_a_running_machine_fails_in_its_task(target: Target, running: GuestRef) -> None:
    assert "already running" in target.end_of(target.cluster.start(running))


@pytest.mark.parametrize("verb", ["reset", "suspend", "resume", "reboot"])
def test_a_stopped_machine_refuses_what_needs_a_running_one(target: Target, machine: GuestRef, verb: str) -> None:
    with pytest.raises(errors.Refused, match="not running"):
        getattr(target.cluster, verb)(machine)


def test_a_running_machine_is_not_deleted(target: Target, running: GuestRef) -> None:
    with pytest.raises(errors.Refused, match="running"):
        target.cluster.delete(running)

    assert target.power(running) == "running"


def test_a_snapshot_is_taken_returned_to_and_forgotten(target: Target, machine: GuestRef) -> None:
    cluster = target.cluster
    end = target.end_of(cluster.take_snapshot(machine, "before", description="as it was"))
    if "not supported" in end or "feature" in end:
        pytest.skip(f"this storage keeps no snapshots: {end}")
    assert end == "OK"
    cluster.configure(machine, GuestChanges(cores=3))

    assert [(s.name, s.description) for s in cluster.snapshots(machine.node, machine.vmid)] == [("before", "as it was")]
    assert target.end_of(cluster.roll_back(machine, "before")) == "OK"
    assert cluster.guest_config(machine.node, machine.vmid).cores == 1
    assert "already used" in target.end_of(cluster.take_snapshot(machine, "before"))
    assert target.end_of(cluster.remove_snapshot(machine, "before")) == "OK"
    assert cluster.snapshots(machine.node, machine.vmid) == ()
