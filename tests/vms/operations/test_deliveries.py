"""The same message delivered to many workers at the same moment: one of them acts."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from tests.figures import figure, scaled
from tests.vms.operations.workshop import Workshop
from vms.models import Operation
from vms.operations import base, engine
from vms.states import OperationKind

WORKERS = 6
READS_BEFORE_THE_CLAIM = 2
ROUNDS = scaled(8, 50)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Delivers one message to six workers, each of which has read the row before any of them writes."""
    together, local, load = threading.Barrier(WORKERS), threading.local(), base.load

    def load_together(operation_id: int) -> Operation | None:
        op = load(operation_id)
        local.reads = getattr(local, "reads", 0) + 1
        if local.reads <= READS_BEFORE_THE_CLAIM:
            together.wait(30)
        return op

    def work(operation_id: int) -> None:
        try:
            engine.run(operation_id)
        finally:
            connection.close()

    def deliver(operation_id: int) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(base, "load", load_together)
            threads = [threading.Thread(target=work, args=(operation_id,)) for _ in range(WORKERS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    return deliver


def test_six_workers_with_one_message_reboot_once(shop: Workshop, crowd: Callable[[int], None]) -> None:
    vm = shop.machine(status="running")
    for _ in range(ROUNDS):
        op = shop.ask(vm, OperationKind.REBOOT)
        crowd(op.pk)
        shop.work(op)

    reboots = len(shop.cluster.effects("reboot"))
    figure("R-09", "deliveries", WORKERS * ROUNDS, "operations", ROUNDS, "twice", reboots - ROUNDS)
    assert reboots == ROUNDS


def test_without_the_filter_by_state_and_claim_they_all_act(
    shop: Workshop, crowd: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""

    def unfiltered(op: Operation, to: object, now: object, columns: dict[str, object]) -> bool:
        return Operation.objects.filter(pk=op.pk).update(state=to, changed_at=now, **columns) == 1

    monkeypatch.setattr(base, "_update", unfiltered)
    crowd(shop.ask(shop.machine(status="running"), OperationKind.REBOOT).pk)

    assert len(shop.cluster.effects("reboot")) > 1
