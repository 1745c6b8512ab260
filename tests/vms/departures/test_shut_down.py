"""When the days are over: one ordinary shutdown for what runs in the own pool, then the account closes."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.alarms import open_alarms
from accounts.models import AuditEvent, OutgoingMail, Pool, User
from accounts.standing import INACTIVE, why_not
from tests.cast import Cast, personal_pool
from tests.factories import make_operation, make_vm
from tests.vms.departures.people import make_dora
from tests.vms.operations.workshop import Workshop, state_of
from vms.models import Operation, VirtualMachine
from vms.operations.departures import shut_down_departed
from vms.operations.rights import still_allowed
from vms.states import Lifecycle, OperationKind, OperationState, Power
from vms.tasks import shut_down_departed as task

S = OperationState
NOW = timezone.now()


@pytest.fixture
def dora(cast: Cast) -> User:
    """Her days were over a minute ago."""
    return make_dora(cast.shared, until=NOW - timedelta(minutes=1))


def machine(owner: User, name: str = "doras-vm", **columns: Any) -> VirtualMachine:
    return make_vm(Pool.objects.get(owner=owner), name, **({"power": Power.RUNNING} | columns))


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_what_runs_is_shut_down_and_the_account_closes(shop: Workshop, dora: User, client: Client) -> None:
    client.force_login(dora)
    shop.cluster.control("POST", "/pools", {"poolid": "dora"})
    vm = shop.machine("doras-vm", pool=Pool.objects.get(owner=dora), status="running")

    assert shut_down_departed(NOW) == 1
    op = shop.work(Operation.objects.get())

    assert (op.actor_name, state_of(op)) == ("portal", (S.SUCCEEDED, "doras-vm has shut down."))
    assert shop.cluster.all_guests()[vm.vmid or 0]["status"] == "stopped"
    assert (fresh(dora).is_active, why_not(fresh(dora))) == (False, INACTIVE)
    assert client.get("/").status_code == 302
    verbs = AuditEvent.objects.order_by("pk").values_list("actor_name", "verb")
    assert list(verbs) == [("portal", "vm.shutdown"), ("portal", "person.closed"), ("portal", "vm.shutdown.succeeded")]


def test_each_machine_is_asked_once_however_often_it_is_looked(dora: User) -> None:
    machine(dora), machine(dora, "second")

    assert [shut_down_departed(NOW + timedelta(hours=n)) for n in range(3)] == [2, 0, 0]
    assert Operation.objects.filter(kind=OperationKind.SHUTDOWN).count() == 2


def test_a_busy_machine_is_tried_at_the_next_look(dora: User) -> None:
    vm = machine(dora)
    held = make_operation(vm, dora, kind=OperationKind.REBOOT, state=S.SUBMITTED)

    assert shut_down_departed(NOW) == 0
    assert fresh(dora).is_active
    Operation.objects.filter(pk=held.pk).update(state=S.FAILED)
    assert shut_down_departed(NOW) == 1
    assert not fresh(dora).is_active


def test_a_shutdown_that_takes_long_does_not_keep_the_account_open(dora: User) -> None:
    machine(dora)
    held = make_operation(machine(dora, "second"), dora, kind=OperationKind.REBOOT, state=S.SUBMITTED)
    shut_down_departed(NOW)
    Operation.objects.filter(pk=held.pk).update(state=S.SUCCEEDED)

    assert shut_down_departed(NOW) == 1
    assert Operation.objects.in_flight().count() == 2
    assert not fresh(dora).is_active


@pytest.mark.parametrize(
    "columns",
    [
        {"power": Power.STOPPED},
        {"power": Power.RUNNING, "missing_since": NOW},
        {"power": Power.UNKNOWN, "lifecycle": Lifecycle.FAILED},
        {"power": Power.UNKNOWN, "lifecycle": Lifecycle.GONE, "vmid": None},
    ],
)
def test_what_does_not_run_is_left_alone(dora: User, columns: dict[str, Any]) -> None:
    machine(dora, **columns)

    assert (shut_down_departed(NOW), fresh(dora).is_active) == (0, False)


def test_before_the_days_are_over_nothing_happens(cast: Cast) -> None:
    dora = make_dora(cast.shared, until=NOW + timedelta(seconds=1))
    machine(dora)

    assert (shut_down_departed(NOW), fresh(dora).is_active) == (0, True)
    assert shut_down_departed(NOW + timedelta(seconds=1)) == 1


def test_who_came_back_is_left_alone(dora: User) -> None:
    machine(dora)
    User.objects.update(departed_at=None, run_on_until=None)

    assert (shut_down_departed(NOW), fresh(dora).is_active) == (0, True)


def test_who_comes_back_between_the_request_and_the_call_is_not_shut_down(dora: User, cast: Cast) -> None:
    vm = machine(dora)
    shut_down_departed(NOW)
    op = Operation.objects.get()
    assert still_allowed(op)

    VirtualMachine.objects.filter(pk=vm.pk).update(pool=cast.shared)
    assert not still_allowed(Operation.objects.get())
    VirtualMachine.objects.filter(pk=vm.pk).update(pool=vm.pool)
    User.objects.update(departed_at=None, run_on_until=None)
    assert not still_allowed(Operation.objects.get())


def test_a_second_departure_asks_again(dora: User) -> None:
    machine(dora)
    shut_down_departed(NOW)
    Operation.objects.update(state=S.SUCCEEDED)
    later = NOW + timedelta(days=90)
    User.objects.filter(pk=dora.pk).update(is_active=True, run_on_until=later)

    assert shut_down_departed(later) == 1


def test_nobody_elses_machines_are_touched(dora: User, cast: Cast) -> None:
    for pool in (cast.shared, cast.alices, cast.bobs, None):
        make_vm(pool, power=Power.RUNNING)

    assert shut_down_departed(NOW) == 0
    assert not Operation.objects.exists()
    assert User.objects.filter(is_active=False).get() == dora


def test_who_has_no_pool_only_leaves(cast: Cast) -> None:
    User.objects.filter(pk=cast.carol.pk).update(departed_at=NOW, run_on_until=NOW)

    task()

    assert not fresh(cast.carol).is_active


def test_rtps_are_told_of_a_machine_that_does_not_obey_until_it_is_off(shop: Workshop, dora: User) -> None:
    shop.cluster.control("POST", "/pools", {"poolid": "dora"})
    shop.machine("doras-vm", pool=Pool.objects.get(owner=dora), status="running", obeys_shutdown=False)
    shut_down_departed(NOW)
    op = shop.work(Operation.objects.get())
    assert op.state == S.FAILED

    shut_down_departed(NOW), shut_down_departed(NOW)

    sentence = "doras-vm of dora, who left the house, is not shut down: doras-vm has not shut down after 1 s. The guest"
    assert open_alarms().get().sentence.startswith(sentence)
    assert OutgoingMail.objects.filter(to=shop.cast.rita.email).count() == 1
    shop.work(shop.ask(op.vm, OperationKind.STOP, by=shop.cast.rita))
    shut_down_departed(NOW)
    assert not open_alarms().exists()


@pytest.mark.parametrize(
    ("power", "words", "closes"), [(Power.PAUSED, "it is paused", True), (Power.UNKNOWN, "state is not known", False)]
)
def test_rtps_are_told_of_what_cannot_be_shut_down(dora: User, power: Power, words: str, closes: bool) -> None:
    machine(dora, power=power)

    assert shut_down_departed(NOW) == 0
    assert words in open_alarms().get().sentence
    assert fresh(dora).is_active is not closes
    VirtualMachine.objects.update(power=Power.STOPPED)
    shut_down_departed(NOW)
    assert not open_alarms().exists()
    assert not fresh(dora).is_active


def test_machines_of_two_people_go_each_their_way(dora: User, cast: Cast) -> None:
    personal_pool(cast.carol)
    User.objects.filter(pk=cast.carol.pk).update(departed_at=NOW, run_on_until=NOW)
    machine(dora)
    make_operation(machine(cast.carol, "carols-vm"), cast.carol, kind=OperationKind.REBOOT, state=S.SUBMITTED)

    assert shut_down_departed(NOW) == 1
    assert (fresh(dora).is_active, fresh(cast.carol).is_active) == (False, True)
