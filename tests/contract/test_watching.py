"""What is read only to be shown: kept settings, measurements, agents."""

import pytest

from tests.contract.target import Target
from vms.cluster import errors
from vms.cluster.types import GuestChanges, GuestRef
from vms.cluster.watching import SPANS


def test_a_snapshot_keeps_the_settings_as_they_were(target: Target, machine: GuestRef) -> None:
    cluster = target.cluster
    before = cluster.guest_config(machine.node, machine.vmid)
    if (end := target.end_of(cluster.take_snapshot(machine, "smaller"))) != "OK":
        pytest.skip(f"this storage keeps no snapshots: {end}")
    cluster.configure(machine, GuestChanges(cores=before.cores + 1))

    kept = cluster.snapshot_config(machine.node, machine.vmid, "smaller")

    assert (kept.uuid, kept.cores, kept.memory_mib) == (before.uuid, before.cores, before.memory_mib)
    assert cluster.guest_config(machine.node, machine.vmid).snapshot_parent == "smaller"
    assert target.end_of(cluster.roll_back(machine, "smaller")) == "OK"
    assert target.end_of(cluster.remove_snapshot(machine, "smaller")) == "OK"
    after = cluster.guest_config(machine.node, machine.vmid)
    assert (after.uuid, after.cores, after.snapshot_parent) == (before.uuid, before.cores, "")


def test_the_settings_of_no_snapshot_are_refused(target: Target, machine: GuestRef) -> None:
    with pytest.raises(errors.Refused):
        target.cluster.snapshot_config(machine.node, machine.vmid, "nope")


@pytest.mark.parametrize("span", SPANS)
def test_measurements_come_in_order_or_not_at_all(target: Target, running: GuestRef, span: str) -> None:
    found = target.cluster.measurements(running.node, running.vmid, span)

    times = [one.at_s for one in found]
    assert times == sorted(times)
    assert all(one.cpu is None or 0 <= one.cpu <= 64 for one in found)


def test_an_agent_that_is_not_set_up_is_a_refusal(target: Target, running: GuestRef) -> None:
    for ask in (target.cluster.agent_addresses, target.cluster.agent_system):
        with pytest.raises(errors.Refused, match="No QEMU guest agent configured"):
            ask(running.node, running.vmid)


def test_an_agent_that_is_silent_is_a_refusal(target: Target) -> None:
    ref = target.make()
    target.cluster.configure(ref, GuestChanges(has_agent=True))
    if (end := target.end_of(target.cluster.start(ref))) != "OK":
        pytest.skip(f"machines do not start here: {end}")

    with pytest.raises(errors.Refused, match="QEMU guest agent is not running"):
        target.cluster.agent_addresses(ref.node, ref.vmid)

    target.switch_off(ref)
    target.remove(ref)
