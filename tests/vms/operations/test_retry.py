"""An RTP has the same operation sent again: only after proof that nothing happened, under its own code."""

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import AuditEvent
from tests.vms.operations.workshop import Workshop
from vms.cluster.errors import Unreachable
from vms.models import Operation
from vms.operations import Refusal, engine, settle
from vms.operations.power import PowerStep
from vms.operations.steps import StillUnknown
from vms.operations.task_logs import read_due, want
from vms.states import OperationKind, OperationState

S = OperationState


def given_up(shop: Workshop, *, lost: str) -> Operation:
    """A start whose answer was lost, before or after it had its effect, and that nobody could look into."""
    op = shop.ask(shop.machine(), OperationKind.START)
    with shop.cluster.fault(lost, match={"method": "POST", "path_regex": "/status/start$"}, times=1):
        engine.run(op.pk)
    Operation.objects.filter(pk=op.pk, state=S.UNCERTAIN).update(state=S.NEEDS_RTP)
    op.refresh_from_db()
    return op


@pytest.fixture
def lost(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Operation:
    """Lost before it had an effect; no traces could be read."""
    with monkeypatch.context() as blind:
        blind.setattr(PowerStep, "look", lambda *_: StillUnknown("no list"))
        op = given_up(shop, lost="lose_before")
    assert op.state == S.NEEDS_RTP
    return op


def test_what_did_not_happen_is_sent_again_under_its_own_code(shop: Workshop, lost: Operation) -> None:
    settle.retry(lost, shop.cast.rita)

    ended = shop.work(lost)

    assert (ended.state, ended.code) == (S.SUCCEEDED, lost.code)
    assert len(shop.cluster.effects("start")) == 1
    assert AuditEvent.objects.filter(verb="operation.retry", actor=shop.cast.rita).count() == 1


def test_what_did_happen_is_not_sent_a_second_time(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as blind:
        blind.setattr(PowerStep, "look", lambda *_: StillUnknown("no list"))
        op = given_up(shop, lost="lose_after")

    settle.retry(op, shop.cast.rita)

    assert shop.work(op).state == S.SUCCEEDED
    assert len(shop.cluster.effects("start")) == 1


def test_without_proof_it_goes_back_to_the_rtp(
    shop: Workshop, lost: Operation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PowerStep, "look", lambda *_: StillUnknown("the node lists nothing"))
    settle.retry(lost, shop.cast.rita)

    ended = shop.work(lost)

    assert (ended.state, ended.sentence, ended.detail) == (S.NEEDS_RTP, settle.NOT_PROVEN, "the node lists nothing")
    assert shop.cluster.effects("start") == []


def test_a_silent_cluster_is_no_proof(shop: Workshop, lost: Operation, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise Unreachable("nobody answers")

    monkeypatch.setattr(PowerStep, "look", silent)
    settle.retry(lost, shop.cast.rita)

    assert shop.work(lost).state == S.NEEDS_RTP
    assert shop.cluster.effects("start") == []


def test_only_rtps_and_only_while_it_waits(shop: Workshop, lost: Operation) -> None:
    with pytest.raises(PermissionDenied):
        settle.retry(lost, shop.cast.alice)
    settle.mark_not_done(lost, shop.cast.rita)
    with pytest.raises(Refusal, match="does not wait"):
        settle.retry(lost, shop.cast.rita)


def test_the_log_of_a_failure_is_read_unasked_and_of_others_when_wanted(shop: Workshop) -> None:
    from django.utils import timezone

    from vms.cluster import cluster

    with shop.cluster.fault("task_ends", type="qmstart", exitstatus="start failed: QEMU exited with code 1"):
        failed = shop.work(shop.ask(shop.machine("one"), OperationKind.START))
    good = shop.work(shop.ask(shop.machine("two"), OperationKind.START))

    assert (read_due(cluster(), timezone.now()), read_due(cluster(), timezone.now())) == (1, 0)
    want(good, by=shop.cast.rita, address="192.0.2.7")
    assert read_due(cluster(), timezone.now()) == 1

    failed.refresh_from_db()
    good.refresh_from_db()
    assert "start failed: QEMU exited with code 1" in failed.task_log
    assert good.task_log.endswith("TASK OK")
    asked = AuditEvent.objects.get(verb="operation.log_asked")
    assert (asked.actor, asked.address, asked.detail["operation"]) == (shop.cast.rita, "192.0.2.7", good.code)
