"""Power against the stand-in: each end has a true sentence."""

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import PoolMembership
from quotas.errors import QuotaExceeded
from quotas.models import Policy, Reservation
from quotas.states import ReservationState
from tests.vms.operations.workshop import Workshop, state_of
from vms.models import Operation
from vms.operations import Refusal, engine
from vms.states import OperationKind, OperationState, Power

K, S = OperationKind, OperationState


@pytest.mark.parametrize(
    ("kind", "before", "after", "sentence"),
    [
        (K.START, "stopped", "running", "web-01 is running."),
        (K.SHUTDOWN, "running", "stopped", "web-01 has shut down."),
        (K.STOP, "running", "stopped", "web-01 is stopped."),
        (K.STOP, "paused", "stopped", "web-01 is stopped."),
        (K.REBOOT, "running", "running", "web-01 was rebooted and is running."),
        (K.RESET, "running", "running", "web-01 was reset."),
        (K.SUSPEND, "running", "paused", "web-01 is paused."),
        (K.RESUME, "paused", "running", "web-01 is running."),
    ],
)
def test_a_verb_does_what_it_says(shop: Workshop, kind: OperationKind, before: str, after: str, sentence: str) -> None:
    vm = shop.machine(status=before)

    op = shop.work(shop.ask(vm, kind))

    assert state_of(op) == (S.SUCCEEDED, sentence)
    assert (op.vm.power, shop.cluster.all_guests()[vm.vmid or 0]["status"]) == (Power(after), after)
    assert [(step["name"], step["state"]) for step in op.steps] == [("limits", "done"), (str(kind), "done")]


def test_the_same_key_is_one_operation(shop: Workshop) -> None:
    vm = shop.machine()

    first, second = shop.ask(vm, K.START, key="a-key-of-the-form"), shop.ask(vm, K.START, key="a-key-of-the-form")
    shop.work_all()

    assert first.pk == second.pk
    assert len(shop.cluster.effects("start")) == 1


def test_a_second_operation_on_a_machine_waits_for_the_first(shop: Workshop) -> None:
    vm = shop.machine()
    shop.ask(vm, K.START)

    with pytest.raises(Refusal, match="Something else is being done with it"):
        shop.ask(vm, K.START)


def test_a_stop_may_overrule_a_shutdown_that_hangs(shop: Workshop, settings: object) -> None:
    vm = shop.machine(status="running", obeys_shutdown=False)
    shutdown = shop.ask(vm, K.SHUTDOWN)
    engine.run(shutdown.pk, watch_s=0)

    stop = shop.work(shop.ask(vm, K.STOP, force=True))

    shutdown.refresh_from_db()
    assert state_of(shutdown) == (S.FAILED, "A stop was asked for while it was shutting down.")
    assert state_of(stop) == (S.SUCCEEDED, "web-01 is stopped.")


def test_a_guest_that_does_not_obey_is_told_apart_from_a_failure(shop: Workshop) -> None:
    vm = shop.machine(status="running", obeys_shutdown=False)

    op = shop.work(shop.ask(vm, K.SHUTDOWN))

    sentence = "web-01 has not shut down after 1 s. The guest may ignore the request."
    assert (state_of(op), op.vm.power) == ((S.FAILED, sentence), Power.RUNNING)


def test_a_shutdown_with_force_ends_hard(shop: Workshop) -> None:
    vm = shop.machine(status="running", obeys_shutdown=False)

    op = shop.work(shop.ask(vm, K.SHUTDOWN, force=True))

    assert state_of(op) == (S.SUCCEEDED, "web-01 has shut down.")


def test_what_runs_already_is_started_by_nobody_and_says_so(shop: Workshop) -> None:
    vm = shop.machine()
    op = shop.ask(vm, K.START)
    shop.cluster.change(vm.vmid or 0, status="running")

    op = shop.work(op)

    assert state_of(op) == (S.SUCCEEDED, "web-01 is running.")
    assert op.steps[-1]["note"] == "It was running already."


def test_a_locked_machine_is_named_as_such(shop: Workshop) -> None:
    vm = shop.machine()
    op = shop.ask(vm, K.START)

    with shop.cluster.fault("locked", vmid=vm.vmid, lock="backup"):
        op = shop.work(op)

    assert op.state == S.FAILED
    assert op.sentence == "Proxmox did not start web-01. Another job of the cluster works on it (backup)."


def test_a_start_reserves_cores_and_memory_until_it_is_counted(shop: Workshop) -> None:
    vm = shop.machine(cores=1)
    op = shop.ask(vm, K.START)
    reservation = Reservation.objects.get()
    assert (reservation.cores, reservation.memory_mib, reservation.disk_gib, reservation.vms) == (1, 512, 0, 0)

    shop.work(op)

    reservation.refresh_from_db()
    assert reservation.state == ReservationState.SETTLED


def test_a_start_beyond_the_limit_is_refused_in_numbers_and_leaves_nothing(shop: Workshop) -> None:
    vm = shop.machine()
    Policy.objects.create(name="house", is_default=True, cores=0, memory_mib=8192, disk_gib=250)

    with pytest.raises(QuotaExceeded, match="This needs 1 core; 0 of 0 are free"):
        shop.ask(vm, K.START)
    assert not Operation.objects.exists()


def test_what_is_counted_already_is_not_reserved_twice(shop: Workshop) -> None:
    vm = shop.machine()
    type(vm).objects.filter(pk=vm.pk).update(start_at_boot=True)

    assert shop.ask(vm, K.START).reservation is None


def test_a_right_that_ended_between_request_and_call_sends_nothing(shop: Workshop) -> None:
    vm = shop.machine(pool=shop.cast.shared)
    op = shop.ask(vm, K.START, by=shop.cast.carol)
    PoolMembership.objects.filter(user=shop.cast.carol).delete()

    op = shop.work(op)

    assert op.sentence == "web-01 was not started: carol no longer has the right to do that. Nothing was changed."
    assert shop.cluster.effects("start") == []


def test_a_stranger_and_a_viewer_are_refused(shop: Workshop) -> None:
    vm = shop.machine(pool=shop.cast.shared)
    PoolMembership.objects.filter(user=shop.cast.carol).update(role="viewer")

    for person in (shop.cast.bob, shop.cast.carol):
        with pytest.raises(PermissionDenied):
            shop.ask(vm, K.START, by=person)


@pytest.mark.parametrize("change", [{"recreate": True}, {"pool": "bob"}])
def test_another_machine_in_the_slot_or_pool_is_never_touched(shop: Workshop, change: dict[str, object]) -> None:
    vm = shop.machine()
    op = shop.ask(vm, K.START)
    shop.cluster.change(vm.vmid or 0, **change)

    op = shop.work(op)

    assert op.state == S.FAILED
    assert "Nothing was changed." in op.sentence
    assert shop.cluster.effects("start") == []


def test_a_machine_that_moved_to_another_node_is_found_there(shop: Workshop) -> None:
    vm = shop.machine()
    op = shop.ask(vm, K.START)
    shop.cluster.change(vm.vmid or 0, node="pve2")

    op = shop.work(op)

    assert (state_of(op), op.vm.node) == ((S.SUCCEEDED, "web-01 is running."), "pve2")


def test_what_a_state_does_not_allow_is_refused_with_the_state(shop: Workshop) -> None:
    vm = shop.machine(status="running")

    with pytest.raises(Refusal, match=r"web-01 cannot be started. It is running."):
        shop.ask(vm, K.START)
