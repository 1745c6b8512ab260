"""What needs an RTP stands on one page, and is settled from there."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent
from tests.cast import Cast
from tests.factories import make_operation, make_reading, make_vm
from tests.sign_in import sign_in
from vms.models import Leftover, Operation
from vms.states import Lifecycle, OperationKind, OperationState

PAGE = "/rtp/attention/"


@pytest.fixture
def rita(cast: Cast, client: Client) -> Client:
    """Her browser, with a fresh proof."""
    make_reading()
    return sign_in(client, cast.rita)


def stuck(cast: Cast, name: str = "web-01") -> Operation:
    """A start of alice's machine that could not be found out."""
    vm = make_vm(cast.alices, name)
    return make_operation(
        vm, cast.alice, state=OperationState.NEEDS_RTP, step="start", intent={"step": "start"}, sentence="Unknown."
    )


def test_an_empty_house_says_that_nothing_waits(rita: Client) -> None:
    assert "Nothing waits for you" in rita.get(PAGE).content.decode()


def test_what_waits_stands_there_each_under_its_heading(cast: Cast, rita: Client) -> None:
    now = timezone.now()
    op = stuck(cast)
    make_vm(cast.bobs, "vanished", missing_since=now)
    make_vm(cast.bobs, "half-made", lifecycle=Lifecycle.CREATING, vmid=None)
    seen = {"first_seen": now - timedelta(hours=6), "last_seen": now}
    Leftover.objects.create(volid="shared:vm-777-disk-0", vmid=777, **seen)

    page = rita.get(PAGE).content.decode()

    wanted = (op.code, "Adopt what exists", "vanished", "It is gone", "half-made", "shared:vm-777-disk-0")
    assert [words for words in wanted if words not in page] == []
    assert "Nothing waits for you" not in page


def test_one_being_made_by_a_worker_is_no_orphan(cast: Cast, rita: Client) -> None:
    vm = make_vm(cast.bobs, "in-the-making", lifecycle=Lifecycle.CREATING, vmid=None)
    make_operation(vm, cast.bob, kind=OperationKind.CREATE)

    assert "in-the-making" not in rita.get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("act", "state"),
    [
        ("adopt", OperationState.UNCERTAIN),
        ("mark_not_done", OperationState.UNCERTAIN),
        ("retry", OperationState.UNCERTAIN),
        ("look_again", OperationState.UNCERTAIN),
    ],
)
def test_each_button_hands_it_to_a_worker_with_one_audit_row(
    cast: Cast, rita: Client, act: str, state: OperationState
) -> None:
    op = stuck(cast)

    answer = rita.post(f"{PAGE}{op.pk}/settle/", {"act": act}, follow=True)

    op.refresh_from_db()
    assert (answer.status_code, op.state) == (200, state)
    assert list(AuditEvent.objects.values_list("verb", "actor_name")) == [(f"operation.{act}", "rita")]


def test_a_press_that_comes_late_changes_nothing_and_says_so(cast: Cast, rita: Client) -> None:
    op = stuck(cast)
    Operation.objects.filter(pk=op.pk).update(state=OperationState.SUCCEEDED)

    page = rita.post(f"{PAGE}{op.pk}/settle/", {"act": "adopt"}, follow=True).content.decode()

    assert "does not wait for an RTP any more" in page
    assert not AuditEvent.objects.exists()


def test_what_proxmox_began_a_task_for_is_not_sent_twice(cast: Cast, rita: Client) -> None:
    op = stuck(cast)
    Operation.objects.filter(pk=op.pk).update(upid=f"UPID:pve1:{uuid.uuid4().hex[:8]}")

    page = rita.post(f"{PAGE}{op.pk}/settle/", {"act": "retry"}, follow=True).content.decode()

    assert "it is not sent a second time" in page
    assert Operation.objects.get().state == OperationState.NEEDS_RTP


def test_a_missing_machine_is_let_go_from_the_page(cast: Cast, rita: Client) -> None:
    vm = make_vm(cast.bobs, "vanished", missing_since=timezone.now())

    rita.post(f"{PAGE}machines/{vm.pk}/gone/")

    vm.refresh_from_db()
    assert vm.lifecycle == Lifecycle.GONE
    assert AuditEvent.objects.get().verb == "vm.settled_gone"


def test_jobs_are_found_by_state_kind_code_and_machine(cast: Cast, rita: Client) -> None:
    op, other = stuck(cast, "web-01"), make_operation(make_vm(cast.bobs, "db"), kind=OperationKind.STOP)
    found = {
        query: [code for code in (op.code, other.code) if code in rita.get(f"/rtp/jobs/?{query}").content.decode()]
        for query in ("", "state=needs_rtp", "kind=stop", f"q={op.code}", "q=db", "state=no&kind=no", "q=zzz")
    }

    both = [op.code, other.code]
    assert list(found.values()) == [both, [op.code], [other.code], [op.code], [other.code], both, []]


def test_members_do_not_see_the_pages_of_rtps(cast: Cast, client: Client) -> None:
    op = stuck(cast)
    sign_in(client, cast.alice)

    answers = [client.get(path).status_code for path in (PAGE, "/rtp/jobs/", f"/rtp/jobs/{op.pk}/")]

    assert answers == [403, 403, 403]
    assert client.post(f"{PAGE}{op.pk}/settle/", {"act": "adopt"}).status_code == 403
