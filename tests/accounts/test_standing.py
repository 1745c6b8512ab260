"""Sessions end with the epoch, whatever became of their rows."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts.access import is_rtp, pools_managed_by, role_in
from accounts.models import Pool, User
from accounts.standing import end_sessions, why_not
from tests.cast import Cast
from vms.models import VirtualMachine


def test_ended_sessions_open_no_page(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    assert client.get("/").status_code == 200

    end_sessions(cast.alice)

    assert client.get("/").status_code == 302


def test_a_session_row_that_comes_back_is_dead_all_the_same(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    kept = list(Session.objects.all())
    end_sessions(cast.alice)
    Session.objects.bulk_create(kept, ignore_conflicts=True)

    assert client.get("/").status_code == 302


@pytest.mark.parametrize(
    ("column", "value"), [("departed_at", timezone.now()), ("locked_at", timezone.now()), ("is_active", False)]
)
def test_who_left_or_is_locked_has_no_power_and_no_role_in_shared_pools(cast: Cast, column: str, value: object) -> None:
    User.objects.update(**{column: value})
    alice, rita = User.objects.get(pk=cast.alice.pk), User.objects.get(pk=cast.rita.pk)

    assert (is_rtp(rita), role_in(cast.shared, alice)) == (False, None)
    assert not pools_managed_by(alice).exists()
    assert not VirtualMachine.objects.visible_to(rita).exists()
    assert cast.shared not in Pool.objects.visible_to(alice)


def test_the_locked_person_reads_why(cast: Cast) -> None:
    cast.alice.locked_at, cast.alice.lock_reason = timezone.now(), "Mining on the lab's nodes."

    assert why_not(cast.alice) == "An RTP locked this account: Mining on the lab's nodes."
    assert why_not(cast.bob) == ""
