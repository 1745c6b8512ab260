"""Creating machines against the stand-in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, Pool, PoolMembership
from accounts.roles import Role
from quotas.footprint import Footprint
from quotas.states import ReservationState
from quotas.usage import figures
from tests.vms.operations.workshop import KEY, Workshop, state_of
from vms.models import Operation
from vms.operations import Size, hooks
from vms.states import Lifecycle, OperationKind, OperationState, Power


def test_a_clone_has_the_size_the_key_and_the_name_asked_for_and_runs(shop: Workshop) -> None:
    op = shop.work(shop.from_template(size=Size(cores=2, memory_mib=1024, disk_gib=5)))
    (guest,) = shop.made()

    assert state_of(op) == (OperationState.SUCCEEDED, "web-01 was created and is running.")
    assert (guest["name"], guest["status"], guest["pool"]) == ("web-01", "running", "alice")
    assert (guest["config"]["cores"], guest["config"]["memory"]) == ("2", "1024")
    assert "size=5G" in guest["config"]["scsi0"]
    assert guest["config"]["ciuser"] == "alice"
    assert (op.vm.lifecycle, op.vm.power, str(op.vm.smbios_uuid)) == (Lifecycle.READY, Power.RUNNING, guest["uuid"])
    assert KEY.split()[1] in guest["config"]["sshkeys"].replace("%2F", "/")


def test_a_machine_from_an_iso_has_the_uuid_we_chose(shop: Workshop) -> None:
    op = shop.from_iso()
    chosen = op.vm.smbios_uuid
    op = shop.work(op)
    (guest,) = shop.made()

    assert state_of(op) == (OperationState.SUCCEEDED, "web-01 was created and is running.")
    assert guest["uuid"] == str(chosen)
    assert "small-linux.iso" in guest["config"]["ide2"]


@pytest.mark.parametrize("gone", [{"is_hidden": True}, {"missing_since": timezone.now()}], ids=["hidden", "lost"])
def test_an_iso_withdrawn_between_asking_and_making_makes_nothing(shop: Workshop, gone: dict[str, Any]) -> None:
    asked = shop.from_iso()
    type(shop.iso).objects.update(**gone)
    op = shop.work(asked)

    why = "An RTP hid small-linux.iso after it was chosen, or its storage lost it. Choose another ISO."
    assert state_of(op) == (OperationState.FAILED, f"web-01 was not created. {why} Nothing is left of it.")
    assert (shop.made(), op.vm.vmid, op.vm.lifecycle) == ([], None, Lifecycle.FAILED)
    assert figures(shop.cast.alices).held == Footprint()


def test_an_rtp_makes_a_machine_from_an_iso_that_is_hidden_from_members(shop: Workshop) -> None:
    PoolMembership.objects.create(pool=shop.cast.shared, user=shop.cast.rita, role=Role.MANAGER)
    asked = shop.from_iso(by=shop.cast.rita, pool=shop.cast.shared)
    type(shop.iso).objects.update(is_hidden=True)

    assert shop.work(asked).state == OperationState.SUCCEEDED


def test_room_is_reserved_at_once_and_counted_from_the_row_at_the_end(shop: Workshop) -> None:
    op = shop.from_template(size=Size(cores=2, memory_mib=1024, disk_gib=5))
    held = Footprint(cores=2, memory_mib=1024, disk_gib=5, vms=1)
    assert (figures(shop.cast.alices).held, figures(shop.cast.alices).used) == (held, Footprint())

    op = shop.work(op)

    assert op.reservation is not None
    assert op.reservation.state == ReservationState.SETTLED
    assert (figures(shop.cast.alices).held, figures(shop.cast.alices).used) == (Footprint(), held)


def test_request_and_end_are_written_down_with_who_and_from_where(shop: Workshop) -> None:
    op = shop.work(shop.from_iso())

    rows = AuditEvent.objects.filter(target_id=str(op.vm_id)).order_by("pk")
    assert [(row.verb, row.actor_name, row.address) for row in rows] == [
        ("vm.create", "alice", "192.0.2.7"),
        ("vm.create.succeeded", "alice", "192.0.2.7"),
    ]


def test_a_pool_that_is_not_bound_is_made_first_and_a_taken_name_is_left_alone(shop: Workshop) -> None:
    Pool.objects.filter(pk=shop.cast.bobs.pk).update(proxmox_poolid=None)

    op = shop.work(shop.from_iso(pool=shop.cast.bobs, by=shop.cast.bob))

    shop.cast.bobs.refresh_from_db()
    assert (op.state, shop.cast.bobs.proxmox_poolid) == (OperationState.SUCCEEDED, "bob-2")
    assert shop.cluster.state("pools")["pools"]["bob"]["vmids"] == []


def test_new_pools_are_made_below_the_parent(shop: Workshop, settings: Settings) -> None:
    settings.PROXMOX_POOL_PARENT = "portal"
    shop.cluster.control("POST", "/pools", {"poolid": "portal"})
    Pool.objects.filter(pk=shop.cast.bobs.pk).update(proxmox_poolid=None)

    shop.work(shop.from_iso(pool=shop.cast.bobs, by=shop.cast.bob))

    shop.cast.bobs.refresh_from_db()
    assert shop.cast.bobs.proxmox_poolid == "portal/bob"


def test_a_slot_somebody_took_is_passed_over(shop: Workshop, settings: Settings) -> None:
    first, _last = settings.PROXMOX_VMID_RANGE
    shop.cluster.guest(vmid=first, name="stranger")

    made = [shop.work(ask).vm.vmid for ask in (shop.from_template("web-01"), shop.from_iso("web-02"))]

    assert made == [first + 1, first + 2]


def test_a_long_row_of_strangers_is_jumped_over(shop: Workshop, settings: Settings) -> None:
    first, _last = settings.PROXMOX_VMID_RANGE
    for vmid in range(first, first + 30):
        shop.cluster.guest(vmid=vmid, name="stranger")

    assert shop.work(shop.from_iso()).vm.vmid == first + 31


def test_a_slot_is_not_used_a_second_time_while_there_is_a_fresh_one(shop: Workshop, settings: Settings) -> None:
    settings.PROXMOX_VMID_RANGE = (10_000, 10_002)
    seen = []
    for _ in range(4):
        vm = shop.work(shop.from_iso("web-01")).vm
        seen.append(vm.vmid)
        shop.work(shop.ask(vm, OperationKind.STOP))
        vm.refresh_from_db()
        shop.work(shop.ask(vm, OperationKind.DELETE))

    assert seen == [10_000, 10_001, 10_002, 10_000]


def test_a_clone_that_fails_leaves_nothing_and_gives_its_room_back(shop: Workshop) -> None:
    match = {"method": "POST", "path_regex": "/clone$"}
    with shop.cluster.fault("error500", sentence="no space left on device", match=match):
        op = shop.work(shop.from_template())

    sentence = "Proxmox did not create web-01. The storage is full. Nothing is left of it."
    assert (state_of(op), op.vm.lifecycle) == ((OperationState.FAILED, sentence), Lifecycle.FAILED)
    assert (shop.made(), figures(shop.cast.alices).held) == ([], Footprint())


def test_a_machine_that_cannot_be_finished_is_removed_again(shop: Workshop) -> None:
    match = {"method": "PUT", "path_regex": "/config$"}
    with shop.cluster.fault("error500", sentence="storage 'x' does not exist", match=match):
        op = shop.work(shop.from_template())
        assert op.vm.lifecycle == Lifecycle.DELETING
    shop.work_all()

    op.vm.refresh_from_db()
    assert op.sentence.endswith("What had been made of it is being removed.")
    assert (op.vm.lifecycle, shop.made(), figures(shop.cast.alices).used) == (Lifecycle.GONE, [], Footprint())


def test_a_machine_that_does_not_start_is_kept(shop: Workshop) -> None:
    with shop.cluster.fault("task_ends", type="qmstart", exitstatus="start failed: QEMU exited with code 1"):
        op = shop.work(shop.from_iso())

    assert (op.state, op.vm.lifecycle, len(shop.made())) == (OperationState.FAILED, Lifecycle.READY, 1)
    assert op.sentence.startswith("web-01 was created, but not started.")


def test_hooks_know_the_mac_before_the_start_and_the_end_of_the_name_after_it_is_gone(shop: Workshop) -> None:
    calls: list[tuple[str, object]] = []
    listeners = {point: _listener(point, calls) for point in hooks.Point}
    for point, listener in listeners.items():
        hooks.register(point, listener)
    try:
        vm = shop.work(shop.from_template()).vm
        shop.work(shop.ask(vm, OperationKind.STOP))
        vm.refresh_from_db()
        shop.work(shop.ask(vm, OperationKind.DELETE))
    finally:
        for point, listener in listeners.items():
            hooks.forget(point, listener)

    assert [name for name, _ in calls] == ["before_create", "mac_known", "before_start", "after_gone", "name_released"]
    assert calls[1][1]


def _listener(point: hooks.Point, calls: list[tuple[str, object]]) -> hooks.Hook:
    return lambda op: calls.append((str(point), op.wish.get("macs")))


@contextmanager
def hooked(point: hooks.Point, hook: hooks.Hook) -> Iterator[None]:
    hooks.register(point, hook)
    try:
        yield
    finally:
        hooks.forget(point, hook)


def test_a_hook_that_refuses_ends_the_creation_with_its_sentence_and_leaves_nothing(shop: Workshop) -> None:
    def refuse(op: Operation) -> None:
        raise hooks.HookFailed("The host name web-01 belongs to somebody else.")

    with hooked(hooks.Point.BEFORE_START, refuse):
        op = shop.work(shop.from_iso())
    shop.work_all()

    assert op.sentence.startswith("The host name web-01 belongs to somebody else. What had been made")
    assert shop.made() == []


def test_a_right_that_ends_in_the_middle_sends_nothing_more_and_cleans_up(shop: Workshop) -> None:
    def expel(op: Operation) -> None:
        PoolMembership.objects.filter(user=shop.cast.alice).delete()

    with hooked(hooks.Point.MAC_KNOWN, expel):
        op = shop.work(shop.from_template(pool=shop.cast.shared))
    shop.work_all()

    assert "alice no longer has the right to do that" in op.sentence
    assert [one["verb"] for one in shop.cluster.effects()] == ["clone", "destroy"]
