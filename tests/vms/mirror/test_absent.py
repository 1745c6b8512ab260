"""Silence is no deletion: when a machine counts as missing, and when it never does."""

from typing import Any

import pytest
from django.core import mail
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import AuditEvent
from quotas.usage import usage
from tests.factories import make_operation
from tests.figures import figure
from tests.vms.mirror.house import House
from vms.mirror import diff, read
from vms.mirror.alarm import release_removal
from vms.models import VirtualMachine
from vms.signals import vm_gone
from vms.states import Lifecycle, OperationState, Power


def missing() -> int:
    """How many rows are marked as missing."""
    return VirtualMachine.objects.filter(missing_since__isnull=False).count()


def fleet(house: House, count: int, **wanted: Any) -> list[VirtualMachine]:
    """That many machines of alice, read once."""
    vmids = [house.machine(**wanted)["vmid"] for _ in range(count)]
    house.cycle(2)
    return [house.row(vmid) for vmid in vmids]


def test_a_deleted_machine_is_missing_after_three_readings_over_three_minutes(house: House) -> None:
    vm = house.adopted(status="running", cores=2, disk_gib=8)
    before = usage(house.cast.alices.pk)
    house.devcluster.destroy(vm.vmid or 0)
    house.cycle(12)
    vm.refresh_from_db()
    assert vm.missing_since is None
    house.cycle()
    vm.refresh_from_db()
    assert vm.missing_since == house.at
    assert (vm.lifecycle, vm.power, vm.pool) == (Lifecycle.READY, Power.RUNNING, house.cast.alices)
    assert usage(house.cast.alices.pk) == before
    assert AuditEvent.objects.filter(verb="vm.missing", machine_uuid=vm.smbios_uuid).count() == 1
    assert house.cycle().requests == 2


def test_three_readings_in_less_than_three_minutes_are_not_enough(house: House) -> None:
    vm = house.adopted()
    house.devcluster.destroy(vm.vmid or 0)
    house.cycle(10, seconds=2)
    assert missing() == 0
    house.cycle(2, seconds=100)
    assert missing() == 1


def test_its_consoles_end_and_rtps_are_told_when_it_is_missing(
    house: House, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    vm = house.adopted()
    told: list[int] = []

    def hear(vm_id: int, **_: object) -> None:
        told.append(vm_id)

    vm_gone.connect(hear)
    house.devcluster.destroy(vm.vmid or 0)
    with django_capture_on_commit_callbacks(execute=True):
        house.long()
    assert told == [vm.pk]
    assert "shows these machines no more" in mail.outbox[0].body


def test_a_machine_that_comes_back_is_the_same_one(house: House) -> None:
    vm = house.adopted(name="web")
    house.devcluster.destroy(vm.vmid or 0)
    house.long()
    assert missing() == 1
    house.machine(vmid=vm.vmid, uuid=str(vm.smbios_uuid), name="web")
    house.cycle()
    assert (house.row(vm.vmid or 0).pk, missing(), VirtualMachine.objects.count()) == (vm.pk, 0, 1)
    assert AuditEvent.objects.filter(verb="vm.back").count() == 1


def test_another_machine_in_its_slot_does_not_bring_it_back(house: House) -> None:
    vm = house.adopted()
    house.devcluster.destroy(vm.vmid or 0)
    house.long()
    house.machine(vmid=vm.vmid, pool="house-infra")
    house.cycle(2)
    vm.refresh_from_db()
    assert (vm.vmid, vm.missing_since is None) == (None, False)
    assert house.row(VirtualMachine.objects.exclude(pk=vm.pk).get().vmid or 0).pool is None


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("resources_empty", {}),
        ("resources_half", {}),
        ("resources_foreign", {}),
        ("narrow_token", {"paths": ["/"]}),
        ("narrow_token", {"paths": ["/pool/alice"]}),
        ("node_down", {"node": "pve1"}),
    ],
)
def test_a_wrong_list_marks_nobody_as_missing(house: House, kind: str, details: dict[str, Any]) -> None:
    fleet(house, 8)
    house.machine(pool="ctf", node="pve2")
    house.cycle()
    with house.devcluster.fault(kind, **details):
        run = house.cycle(20, seconds=30)
        assert missing() == 0
        assert run.note or run.frozen
        assert not run.is_complete
    assert house.cycle().is_complete
    assert not VirtualMachine.objects.exclude(lifecycle=Lifecycle.READY).exists()
    figure("R-18", kind, "-".join(details.get("paths", [])) or "all", "readings 20 machines 9 marked absent", missing())


@pytest.mark.parametrize("kind", ["resources_half", "narrow_token"])
def test_a_wrong_list_marks_not_even_one(house: House, kind: str) -> None:
    fleet(house, 2)
    with house.devcluster.fault(kind, **({"paths": ["/pool/alice"]} if kind == "narrow_token" else {})):
        run = house.long()
    assert (missing(), run.is_complete) == (0, False)


def test_without_the_guards_a_narrowed_token_would(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet(house, 8)
    monkeypatch.setattr(read, "too_many", lambda *_: False)
    monkeypatch.setattr(diff, "too_many", lambda *_: False)
    monkeypatch.setattr(read._Pass, "_why_incomplete", lambda *_: "")
    monkeypatch.setattr(read._Pass, "_is_gone", lambda *_: True)
    with house.devcluster.fault("narrow_token", paths=["/pool/alice"]):
        house.long()
    assert missing() == 8


def test_without_quorum_nobody_is_missing(house: House) -> None:
    vm = house.adopted()
    house.devcluster.destroy(vm.vmid or 0)
    with house.devcluster.fault("no_quorum"):
        run = house.long()
        assert (missing(), run.is_complete, run.note) == (0, False, "The cluster has no quorum.")
    house.long()
    assert missing() == 1


def test_while_another_node_is_down_nobody_is_missing(house: House) -> None:
    vm = house.adopted(node="pve1")
    house.devcluster.destroy(vm.vmid or 0)
    with house.devcluster.fault("node_down", node="pve3"):
        house.long()
        assert missing() == 0


def test_a_machine_moved_out_of_sight_is_only_marked(house: House) -> None:
    vm = house.adopted()
    house.devcluster.change(vm.vmid or 0, pool=None)
    house.long()
    vm.refresh_from_db()
    assert (vm.lifecycle, vm.pool) == (Lifecycle.READY, house.cast.alices)


def test_six_at_once_freeze_removal_and_rtps_are_told(
    house: House, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    machines = fleet(house, 60)
    for vm in machines[:6]:
        house.devcluster.destroy(vm.vmid or 0)
    with django_capture_on_commit_callbacks(execute=True):
        run = house.long()
    assert (run.frozen, run.is_complete, missing()) == (True, False, 0)
    assert AuditEvent.objects.filter(verb="mirror.alarm").count() == 1
    assert [letter.to for letter in mail.outbox] == [["rita@example.org"]]
    release_removal(house.cast.rita)
    house.long()
    assert missing() == 6
    assert AuditEvent.objects.get(verb="mirror.released").actor == house.cast.rita


def test_five_of_sixty_are_an_ordinary_day(house: House) -> None:
    machines = fleet(house, 60)
    for vm in machines[:5]:
        house.devcluster.destroy(vm.vmid or 0)
    run = house.long()
    assert (run.frozen, missing()) == (False, 5)


def test_more_than_one_in_ten_freezes_as_well(house: House) -> None:
    machines = fleet(house, 12)
    for vm in machines[:2]:
        house.devcluster.destroy(vm.vmid or 0)
    assert house.long().frozen
    assert missing() == 0


def test_a_machine_in_an_operations_hands_is_not_judged(house: House) -> None:
    vm = house.adopted()
    make_operation(vm, house.cast.alice, state=OperationState.NEEDS_RTP)
    house.devcluster.destroy(vm.vmid or 0)
    house.long()
    assert missing() == 0
