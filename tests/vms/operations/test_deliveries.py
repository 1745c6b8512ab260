"""The same message delivered to many workers at the same moment: one of them acts."""

import threading

import pytest
from django.db import connection

from tests.figures import figure, scaled
from tests.vms.operations.workshop import Workshop
from vms.models import Operation
from vms.operations import base, engine
from vms.states import OperationKind

WORKERS = 6
ROUNDS = scaled(8, 50)

pytestmark = pytest.mark.django_db(transaction=True)


def deliver_to_all(operation_id: int) -> None:
    """Every worker gets the message when all are ready."""
    ready = threading.Barrier(WORKERS)

    def work() -> None:
        ready.wait()
        try:
            engine.run(operation_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_six_workers_with_one_message_reboot_once(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    for _ in range(ROUNDS):
        op = shop.ask(vm, OperationKind.REBOOT)
        deliver_to_all(op.pk)
        shop.work(op)

    reboots = len(shop.cluster.effects("reboot"))
    figure("R-09", "deliveries", WORKERS * ROUNDS, "operations", ROUNDS, "twice", reboots - ROUNDS)
    assert reboots == ROUNDS


def test_without_the_filter_by_state_and_claim_they_all_act(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""

    def unfiltered(op: Operation, to: object, now: object, columns: dict[str, object]) -> bool:
        return Operation.objects.filter(pk=op.pk).update(state=to, changed_at=now, **columns) == 1

    monkeypatch.setattr(base, "_update", unfiltered)
    deliver_to_all(shop.ask(shop.machine(status="running"), OperationKind.REBOOT).pk)

    assert len(shop.cluster.effects("reboot")) > 1
