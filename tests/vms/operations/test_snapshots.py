"""Snapshots: taken, rolled back to, deleted; what counts, what is refused, and answers that are lost."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from quotas.errors import QuotaExceeded
from quotas.models import Policy
from tests.vms.operations.workshop import Workshop
from vms.cluster import cluster
from vms.mirror import snapshots
from vms.models import Operation, VirtualMachine
from vms.operations import Refusal, request_drop_snapshot, request_roll_back, request_snapshot
from vms.states import OperationState, Power


def who(shop: Workshop, key: str = "the-key-0001") -> dict[str, Any]:
    """Alice, at her desk."""
    return {"by": shop.cast.alice, "address": "192.0.2.7", "key": key}


def take(shop: Workshop, vm: VirtualMachine, name: str = "clean", **asked: Any) -> Operation:
    """Alice asks for a snapshot, and it is worked on until it is at rest."""
    return shop.work(request_snapshot(vm, name=name, **who(shop, f"take-{name}-0001"), **asked))


def fresh(vm: VirtualMachine) -> VirtualMachine:
    """The row as it is now."""
    return VirtualMachine.objects.select_related("pool").get(pk=vm.pk)


def names(vm: VirtualMachine) -> list[str]:
    """The snapshots the row knows."""
    return [one["name"] for one in fresh(vm).snapshots]


def test_a_snapshot_is_taken_and_the_row_tells_of_it(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    op = take(shop, vm, note="before the   upgrade")
    assert (op.state, op.sentence) == (OperationState.SUCCEEDED, "web-01 was kept as snapshot clean.")
    row = fresh(vm).snapshots[0]
    assert (row["name"], row["note"], row["by"], row["with_memory"]) == ("clean", "before the upgrade", "alice", False)
    assert fresh(vm).snapshot_gib == 0


def test_memory_that_is_kept_counts_as_disk_until_the_snapshot_goes(shop: Workshop) -> None:
    vm = shop.machine(status="running", memory_mib=1500)
    take(shop, vm, with_memory=True)
    assert (fresh(vm).snapshots[0]["memory_gib"], fresh(vm).snapshot_gib) == (2, 2)
    op = shop.work(request_drop_snapshot(fresh(vm), name="clean", **who(shop)))
    assert op.sentence == "Snapshot clean of web-01 was deleted. The machine itself is as it was."
    assert (names(vm), fresh(vm).snapshot_gib) == ([], 0)


def test_a_machine_that_is_off_has_no_memory_to_keep(shop: Workshop) -> None:
    vm = shop.machine(memory_mib=1500)
    take(shop, vm, with_memory=True)
    assert (fresh(vm).snapshots[0]["with_memory"], fresh(vm).snapshot_gib) == (False, 0)


def test_memory_beyond_the_limit_is_refused_in_numbers_and_nothing_is_asked(shop: Workshop) -> None:
    vm = shop.machine(status="running", memory_mib=2048)
    VirtualMachine.objects.filter(pk=vm.pk).update(memory_mib=4096 * 1024, disk_gib=4)
    with pytest.raises(QuotaExceeded, match="disk"):
        request_snapshot(fresh(vm), name="clean", with_memory=True, **who(shop))
    assert not Operation.objects.exists()
    VirtualMachine.objects.filter(pk=vm.pk).update(memory_mib=2048)


def test_the_policy_says_how_many_one_machine_may_have(shop: Workshop) -> None:
    Policy.objects.create(name="house", is_default=True, cores=None, memory_mib=None, disk_gib=None, snapshots_per_vm=1)
    vm = shop.machine()
    take(shop, vm)
    with pytest.raises(Refusal, match="One VM may have 1 snapshot here; this would be number 2") as refused:
        request_snapshot(fresh(vm), name="second", **who(shop))
    assert refused.value.field == "name"


def test_a_way_back_leaves_the_machine_off_and_keeps_its_owner(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    take(shop, vm)
    op = shop.work(request_roll_back(fresh(vm), name="clean", **who(shop)))
    assert op.sentence == "web-01 was rolled back to clean and is off now."
    now = fresh(vm)
    assert (now.power, now.pool, now.smbios_uuid) == (Power.STOPPED, vm.pool, vm.smbios_uuid)
    assert now.hardware["snapshot_parent"] == "clean"


def test_a_way_back_with_memory_runs_on(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    take(shop, vm, with_memory=True)
    op = shop.work(request_roll_back(fresh(vm), name="clean", **who(shop)))
    assert op.sentence == "web-01 was rolled back to clean and runs."


def test_a_way_back_to_a_larger_machine_has_to_fit_the_limits(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    take(shop, vm)
    kept = [one | {"cores": 4000} for one in fresh(vm).snapshots]
    VirtualMachine.objects.filter(pk=vm.pk).update(snapshots=kept)
    with pytest.raises((QuotaExceeded, Refusal), match="cores"):
        request_roll_back(fresh(vm), name="clean", **who(shop))


def test_a_snapshot_taken_anew_under_its_name_is_another_one(shop: Workshop) -> None:
    vm = shop.machine()
    take(shop, vm)
    seen = fresh(vm).snapshots[0]["taken_at"]
    kept = [one | {"taken_at": "2026-01-01T00:00:00+00:00"} for one in fresh(vm).snapshots]
    VirtualMachine.objects.filter(pk=vm.pk).update(snapshots=kept)
    with pytest.raises(Refusal, match="replaced by another"):
        request_roll_back(fresh(vm), name="clean", taken_at=seen, **who(shop))
    op = shop.work(request_roll_back(fresh(vm), name="clean", **who(shop)))
    assert op.sentence == (
        "Proxmox did not roll back web-01. That snapshot was replaced by another one of the same name. "
        "Load the page again. Nothing was changed."
    )


def test_settings_of_another_uuid_are_never_brought_back(shop: Workshop) -> None:
    vm = shop.machine()
    take(shop, vm)
    other = {"smbios1": "uuid=00000000-0000-4000-8000-000000000001"}
    shop.cluster.control("PATCH", f"/guests/{vm.vmid}", {"config": other})
    VirtualMachine.objects.filter(pk=vm.pk).update(smbios_uuid="00000000-0000-4000-8000-000000000001")
    op = shop.work(request_roll_back(fresh(vm), name="clean", **who(shop)))
    assert (op.state, "another uuid" in op.sentence) == (OperationState.FAILED, True)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Give the snapshot a name."),
        ("1st", "Name must have 2 to 40 letters"),
        ("x", "Name must have 2 to 40 letters"),
        ("a b", "Name must have 2 to 40 letters"),
        ("x" * 41, "Name must have 2 to 40 letters"),
        ("current", "Proxmox uses the name current itself."),
    ],
)
def test_names_that_proxmox_refuses_are_refused_beside_the_field(shop: Workshop, name: str, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence) as refused:
        request_snapshot(shop.machine(), name=name, **who(shop))
    assert refused.value.field == "name"


def test_a_name_that_is_taken_is_refused_beside_the_field(shop: Workshop) -> None:
    vm = shop.machine()
    take(shop, vm)
    with pytest.raises(Refusal, match="There is a snapshot named clean already") as refused:
        request_snapshot(fresh(vm), name="clean", **who(shop))
    assert refused.value.field == "name"


def test_a_name_taken_in_proxmox_meanwhile_ends_in_its_own_sentence(shop: Workshop) -> None:
    vm = shop.machine()
    take(shop, vm)
    VirtualMachine.objects.filter(pk=vm.pk).update(snapshots=[])
    op = shop.work(request_snapshot(fresh(vm), name="clean", **who(shop, "second-0001")))
    assert "There is a snapshot named clean already. Nothing was changed." in op.sentence
    assert names(vm) == ["clean"]


def test_who_only_operates_takes_no_snapshots(shop: Workshop) -> None:
    vm = shop.machine(pool=shop.cast.shared)
    with pytest.raises(PermissionDenied):
        request_snapshot(vm, name="clean", by=shop.cast.carol, address="192.0.2.7", key="carol-0001")


LOST = {
    "take": ("POST", "/snapshot$", "snapshot"),
    "roll back": ("POST", "/rollback$", "rollback"),
    "delete": ("DELETE", "/snapshot/", "delsnapshot"),
}


@pytest.mark.parametrize("kind", ["lose_after", "lose_before"])
@pytest.mark.parametrize("what", LOST)
def test_a_lost_answer_is_found_out_and_done_once(shop: Workshop, what: str, kind: str) -> None:
    vm = shop.machine()
    if what != "take":
        take(shop, vm)
    method, path, effect = LOST[what]
    fault = {"kind": kind, "match": {"method": method, "path_regex": path}, "times": 1}
    shop.cluster.control("POST", "/faults", fault)
    ask: Any = {"take": request_snapshot, "roll back": request_roll_back, "delete": request_drop_snapshot}[what]
    op = shop.work(ask(fresh(vm), name="clean", **who(shop)))
    assert (op.state, names(vm)) == (OperationState.SUCCEEDED, [] if what == "delete" else ["clean"])
    effects = shop.cluster.control("GET", "/state?only=effects")["effects"]
    assert [one["verb"] for one in effects].count(effect) == 1


def test_what_was_done_in_proxmox_is_found_by_the_sweep(shop: Workshop) -> None:
    vm = shop.machine(status="running", memory_mib=1024)
    take(shop, vm)
    proxmox = cluster()
    config = proxmox.guest_config(vm.node, vm.vmid or 0)
    VirtualMachine.objects.filter(pk=vm.pk).update(snapshots=[], snapshot_gib=7, snapshots_digest="older")
    assert snapshots.refresh(proxmox, timezone.now()) == 1
    assert (names(vm), fresh(vm).snapshot_gib, fresh(vm).snapshots_digest) == (["clean"], 0, config.digest)
    before = proxmox.line.requests
    assert (snapshots.refresh(proxmox, timezone.now()), proxmox.line.requests) == (0, before)


def test_a_silent_node_changes_nothing(shop: Workshop) -> None:
    vm = shop.machine()
    take(shop, vm)
    VirtualMachine.objects.filter(pk=vm.pk).update(snapshots_digest="older")
    shop.cluster.control("POST", "/faults", {"kind": "node_down", "node": "pve1"})
    assert (snapshots.refresh(cluster(), timezone.now()), names(vm)) == (0, ["clean"])
