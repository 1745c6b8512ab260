"""What the sweeper and the follower find, and what RTPs settle."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent
from quotas import reservations
from quotas.states import ReservationState
from quotas.usage import figures
from tests.sign_in import sign_in
from tests.vms.operations.workshop import Workshop, state_of
from vms.models import Operation
from vms.operations import Refusal, base, engine, follow, settle
from vms.states import Lifecycle, OperationKind, OperationState

S = OperationState
Settle = Callable[..., None]


def left_by_a_dead_worker(op: Operation, **columns: object) -> None:
    """As if its worker had died in the middle."""
    ended = timezone.now() - timedelta(seconds=1)
    Operation.objects.filter(pk=op.pk).update(state=S.CLAIMED, lease_until=ended, **columns)


def stuck(shop: Workshop, op: Operation) -> Operation:
    """Waits for an RTP, after an intent that nobody can look into."""
    intent = {"step": str(op.kind), "node": "pve1", "vmid": op.vm.vmid, "at_s": 0}
    Operation.objects.filter(pk=op.pk).update(state=S.NEEDS_RTP, step=str(op.kind), intent=intent)
    op.refresh_from_db()
    return op


def test_a_claim_whose_worker_died_before_it_sent_is_taken_up_again(shop: Workshop) -> None:
    op = shop.ask(shop.machine(), OperationKind.START)
    left_by_a_dead_worker(op)

    assert shop.work(op).state == S.SUCCEEDED
    assert len(shop.cluster.effects("start")) == 1


def test_a_claim_whose_worker_died_after_it_may_have_sent_is_looked_into(shop: Workshop) -> None:
    op = shop.ask(shop.machine(), OperationKind.START)
    intent = {"step": "start", "node": "pve1", "vmid": op.vm.vmid, "at_s": timezone.now().timestamp()}
    left_by_a_dead_worker(op, step="start", intent=intent)

    follow._claims_of_the_dead(timezone.now())

    op.refresh_from_db()
    assert op.state == S.UNCERTAIN
    assert op.sentence.startswith("We do not know yet whether web-01 was started.")


def test_a_running_claim_is_left_alone(shop: Workshop) -> None:
    op = shop.ask(shop.machine(), OperationKind.START)
    base.claim(op.pk, from_states=frozenset({S.QUEUED}))

    follow.sweep(timezone.now())

    op.refresh_from_db()
    assert op.state == S.CLAIMED


def test_a_worker_that_lost_its_claim_writes_nothing_more(shop: Workshop) -> None:
    op = shop.ask(shop.machine(), OperationKind.START)
    mine = base.claim(op.pk, from_states=frozenset({S.QUEUED}))
    assert mine is not None
    Operation.objects.filter(pk=op.pk).update(attempts=9)

    with pytest.raises(base.LostClaim):
        base.write(mine, step="start")


def test_a_cluster_that_does_not_answer_fails_it_with_nothing_changed(shop: Workshop, settings: Settings) -> None:
    settings.OPERATION_PATIENCE_S = 0
    op = shop.ask(shop.machine(), OperationKind.START)

    with shop.cluster.fault("node_down", node="pve1"):
        op = shop.work(op)

    sentence = "Proxmox did not start web-01. It did not answer. Nothing was changed."
    assert (state_of(op), figures(shop.cast.alices).held.cores) == ((S.FAILED, sentence), 0)


def test_a_cluster_that_answers_again_gets_the_request(shop: Workshop) -> None:
    op = shop.ask(shop.machine(), OperationKind.START)

    with shop.cluster.fault("node_down", node="pve1"):
        op = shop.work(op, rounds=2)
        assert state_of(op) == (S.QUEUED, "Proxmox does not answer right now. We keep trying.")

    assert shop.work(op).sentence == "web-01 is running."


def test_a_task_nobody_can_ask_after_is_given_to_an_rtp(shop: Workshop, settings: Settings) -> None:
    settings.OPERATION_UNCERTAIN_S = 0
    settings.OPERATION_WATCH_S = 0.2
    op = shop.ask(shop.machine(), OperationKind.START)
    with shop.cluster.fault("task_never_ends", type="qmstart"):
        engine.run(op.pk, watch_s=0)
    with shop.cluster.fault("lose_before", match={"path_regex": "/tasks/"}):
        engine.run(op.pk, watch_s=0)
        op = shop.work(op)

    assert op.state == S.NEEDS_RTP
    assert figures(shop.cast.alices).held.cores == 1


def test_a_task_whose_record_is_gone_is_judged_by_what_the_machine_shows(shop: Workshop) -> None:
    op = shop.ask(shop.machine(), OperationKind.START)

    with shop.cluster.fault("task_ends", type="qmstart", exitstatus="unexpected status"):
        op = shop.work(op)

    assert state_of(op) == (S.SUCCEEDED, "web-01 is running.")


def test_warnings_are_told_and_kept_for_rtps(shop: Workshop) -> None:
    op = shop.ask(shop.machine(), OperationKind.START)

    with shop.cluster.fault("task_ends", type="qmstart", exitstatus="WARNINGS: 1"):
        op = shop.work(op)

    assert state_of(op) == (S.SUCCEEDED, "web-01 is running. Proxmox noted warnings.")
    assert op.detail


def test_only_what_no_operation_needs_is_given_back_when_overdue(shop: Workshop) -> None:
    op = shop.ask(shop.machine(), OperationKind.START)
    later = timezone.now() + timedelta(days=1)
    type(op.reservation).objects.update(held_until=timezone.now())  # type: ignore[union-attr]

    follow.sweep(later)
    assert figures(shop.cast.alices).held.cores == 1

    Operation.objects.filter(pk=op.pk).update(state=S.FAILED)
    follow.sweep(later)
    assert figures(shop.cast.alices).held.cores == 0
    assert not reservations.overdue(later).exists()


def test_an_rtp_takes_over_what_was_done(shop: Workshop) -> None:
    op = stuck(shop, shop.ask(shop.machine(), OperationKind.START))
    shop.cluster.change(op.vm.vmid or 0, status="running")

    settle.adopt(op, shop.cast.rita)
    op = shop.work(op)

    assert state_of(op) == (S.SUCCEEDED, "web-01 was started. rita looked.")
    assert op.reservation is not None
    assert (op.reservation.state, figures(shop.cast.alices).used.cores) == (ReservationState.SETTLED, 1)
    assert AuditEvent.objects.filter(verb="operation.adopt", actor=shop.cast.rita).exists()


def test_an_rtp_closes_what_was_not_done(shop: Workshop) -> None:
    op = stuck(shop, shop.ask(shop.machine(), OperationKind.DELETE))

    settle.mark_not_done(op, shop.cast.rita)
    op = shop.work(op)

    assert (state_of(op), op.vm.lifecycle) == ((S.FAILED, "web-01 was not deleted. rita looked."), Lifecycle.READY)


def test_a_creation_of_which_nothing_is_there_cannot_be_taken_over(shop: Workshop) -> None:
    op = stuck(shop, shop.from_iso())

    settle.adopt(op, shop.cast.rita)
    op = shop.work(op)
    assert state_of(op) == (S.NEEDS_RTP, settle.UNREADABLE)
    settle.mark_not_done(op, shop.cast.rita)
    op = shop.work(op)

    assert (op.vm.lifecycle, figures(shop.cast.alices).held.cores) == (Lifecycle.FAILED, 0)


def test_an_rtp_may_have_the_portal_look_again(shop: Workshop) -> None:
    op = stuck(shop, shop.ask(shop.machine(), OperationKind.START))

    settle.look_again(op, shop.cast.rita)

    assert shop.work(op).sentence == "web-01 is running."


@pytest.mark.parametrize("act", [settle.adopt, settle.mark_not_done, settle.look_again])
def test_only_rtps_settle_and_only_what_waits_for_them(shop: Workshop, act: Settle) -> None:
    op = shop.ask(shop.machine(), OperationKind.START)

    with pytest.raises(Refusal):
        act(op, shop.cast.rita)
    with pytest.raises(PermissionDenied):
        act(stuck(shop, op), shop.cast.alice)


@pytest.mark.parametrize(
    ("action", "state"), [("say_done", S.SUCCEEDED), ("say_not_done", S.FAILED), ("look_again", S.SUCCEEDED)]
)
def test_rtps_settle_in_the_admin(shop: Workshop, action: str, state: OperationState) -> None:
    op = stuck(shop, shop.ask(shop.machine(), OperationKind.START))
    browser = sign_in(Client(), shop.cast.rita)

    browser.post("/admin/vms/operation/", {"action": action, "_selected_action": [str(op.pk)]})

    assert shop.work(op).state == state
