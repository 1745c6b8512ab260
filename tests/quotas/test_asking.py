"""Asking for more: one answer counts, an approved request becomes an allowance, and people are told."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import AuditEvent, OutgoingMail
from quotas import allowances, asking
from quotas.allowances import Numbers
from quotas.errors import Refused
from quotas.limits import limit_of
from quotas.models import Allowance, MoreRequest
from quotas.states import RequestState
from tests.cast import Cast

TWELVE = Numbers(cores=12)


def request_of(cast: Cast, **more: object) -> MoreRequest:
    """Alice asks for twelve cores."""
    return asking.ask(cast.alices, TWELVE, reason="A contest.", until=None, by=cast.alice, **more)  # type: ignore[arg-type]


def test_rtps_are_told_of_a_request(cast: Cast) -> None:
    asked = request_of(cast)

    mail = OutgoingMail.objects.get()
    assert (mail.to, asked.ref in mail.text, "12 cores" in mail.text) == (cast.rita.email, True, True)
    assert AuditEvent.objects.filter(verb="request.asked", actor=cast.alice).exists()


def test_an_approved_request_is_an_allowance_with_its_history(cast: Cast) -> None:
    asked = asking.approve(request_of(cast), TWELVE, until=None, answer="Have fun.", by=cast.rita)

    asked.refresh_from_db()
    assert (asked.state, limit_of(cast.alices).footprint.cores) == (RequestState.APPROVED, 12)
    assert asked.allowance is not None
    assert asked.allowance.reason == "Asked for by alice: A contest."
    assert OutgoingMail.objects.filter(to=cast.alice.email, text__contains="Have fun.").exists()


def test_less_than_asked_for_is_granted_in_part(cast: Cast) -> None:
    asked = asking.approve(request_of(cast), Numbers(cores=10), until=None, answer="", by=cast.rita)

    assert (asked.state, limit_of(cast.alices).footprint.cores) == (RequestState.PARTLY, 10)


def test_of_two_answers_one_counts(cast: Cast) -> None:
    asked = request_of(cast)
    stale = MoreRequest.objects.get(pk=asked.pk)
    asking.decline(asked, answer="Not now.", by=cast.rita)

    with pytest.raises(Refused, match="answered already"):
        asking.approve(stale, TWELVE, until=None, answer="", by=cast.rita)
    assert not Allowance.objects.exists()


def test_one_open_request_a_pool(cast: Cast) -> None:
    first = request_of(cast)

    with pytest.raises(Refused, match="a request for this pool already"):
        request_of(cast)

    asking.withdraw(first, by=cast.alice)
    assert request_of(cast).state == RequestState.OPEN


def test_only_managers_ask_and_withdraw(cast: Cast) -> None:
    with pytest.raises(PermissionDenied):
        asking.ask(cast.shared, TWELVE, reason="Me too.", until=None, by=cast.carol)
    with pytest.raises(PermissionDenied):
        asking.withdraw(request_of(cast), by=cast.bob)


def test_an_ending_allowance_says_so_a_week_before_and_once(cast: Cast) -> None:
    now = timezone.now()
    last = timezone.localdate(now) + timedelta(days=7)
    allowances.give(cast.shared, TWELVE, reason="A contest.", until=last, by=cast.rita)

    told = [allowances.announce_ends(now - timedelta(days=1)), *(allowances.announce_ends(now) for _ in range(2))]

    assert told == [0, 1, 0]
    assert [mail.to for mail in OutgoingMail.objects.all()] == [cast.alice.email]  # the pool's manager


def test_ending_an_allowance_brings_the_old_limit_back(cast: Cast) -> None:
    given = allowances.give(cast.alices, TWELVE, reason="A contest.", until=date(2999, 1, 1), by=cast.rita)

    assert (allowances.end(given, by=cast.rita), allowances.end(given, by=cast.rita)) == (True, False)
    assert limit_of(cast.alices).footprint.cores == 8
