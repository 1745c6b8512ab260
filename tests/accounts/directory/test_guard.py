"""Silence is not departure: what a reading lacks changes nobody, until an RTP says otherwise."""

from collections.abc import Callable, Iterable
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django import Settings

from accounts.alarms import open_alarms
from accounts.directory import guard
from accounts.directory.release import ReleaseRefused, held_list, release
from accounts.errors import DirectoryUnavailable
from accounts.identity import DirectoryReading, Identity
from accounts.models import AuditEvent, DirectoryRun, OutgoingMail, User
from accounts.roles import RunOutcome
from accounts.sync import run_pass, watch_age
from tests.accounts.directory.house import house_of, later, member, sync
from tests.cast import person

pytestmark = pytest.mark.django_db
Change = Callable[[list[Identity]], Iterable[Identity]]


def who_is_what() -> list[tuple[object, ...]]:
    """Everything of everybody that a reading could change."""
    return list(User.objects.order_by("pk").values_list("username", "is_rtp", "is_active", "departed_at", "email"))


def without(group: str) -> Change:
    """The same members, with nobody in that group."""
    return lambda members: [
        Identity(who.uuid, who.uid, who.full_name, who.email, who.groups - {group}) for who in members
    ]


SILENCES: dict[str, Change] = {
    "nobody": lambda members: [],
    "no rtp": without("rtp"),
    "no active": without("active"),
    "half": lambda members: members[:10],
    "renamed": lambda members: [
        Identity(who.uuid, who.uid, who.full_name, who.email, frozenset({"rtp", "aktiv"})) for who in members
    ],
}


@pytest.mark.parametrize("silence", SILENCES)
def test_a_reading_that_lacks_something_changes_nobody(silence: str) -> None:
    members = [*house_of(20), member("stu", "current_student")]
    sync(members)
    before = who_is_what()

    run = sync([*SILENCES[silence](members), member("new", "other")], now=later())

    assert who_is_what() == before
    assert (run.outcome, run.departed, run.joined) == (RunOutcome.HELD, 0, 0)
    assert run.note
    assert [alarm.kind for alarm in open_alarms()] == ["directory"]
    assert sync(members, now=later(20)).outcome == RunOutcome.APPLIED
    assert not open_alarms()


def test_a_directory_that_does_not_answer_changes_nobody_and_is_told_once() -> None:
    sync(house_of(5))
    before = who_is_what()

    for _ in range(3):
        run = run_pass(unanswered, now=later())

    assert who_is_what() == before
    assert (run.outcome, run.note) == (RunOutcome.FAILED, "The directory does not answer.")
    assert OutgoingMail.objects.filter(to="rosa@example.org").count() == 1


def unanswered() -> DirectoryReading:
    raise DirectoryUnavailable("The directory does not answer.")


def test_a_tenth_may_leave_and_one_more_may_not() -> None:
    members = house_of(99)
    sync(members)

    assert sync(members[:89], now=later()).outcome == RunOutcome.HELD
    assert sync(members[:90], now=later(20)).departed == 10


def test_three_of_a_small_house_may_leave() -> None:
    members = house_of(9)
    sync(members)

    assert sync(members[:6], now=later()).outcome == RunOutcome.HELD
    assert sync(members[:7], now=later(20)).departed == 3


def test_without_the_guard_half_a_tree_sends_half_the_house_away(monkeypatch: pytest.MonkeyPatch) -> None:
    members = house_of(20)
    sync(members)
    monkeypatch.setattr(guard, "objection", lambda *_: None)

    assert sync(members[:11], now=later()).departed == 10


def test_a_group_that_the_settings_no_longer_name_is_not_missed(settings: Settings) -> None:
    members = [*house_of(20), member("stu", "current_student")]
    sync(members)
    settings.DIRECTORY_ACTIVE_GROUPS = ("active",)

    assert sync(without("current_student")(members), now=later()).plan["departed"] == ["stu"]


def test_a_held_list_names_those_who_would_leave() -> None:
    members = house_of(20)
    sync(members)

    run = sync(members[:11], now=later())

    assert run.plan["departed"] == sorted(f"m{n}" for n in range(10, 20))
    assert held_list() == run
    assert "10 of 21 members" in open_alarms().get().sentence


def test_a_released_list_departs_with_the_next_pass_once() -> None:
    members, rita = house_of(20), person("rita", is_rtp=True)
    sync(members)
    run = sync(members[:11], now=later(1))

    release(run.pk, by=rita, address="192.0.2.1", now=later(2))
    assert sync(members[:11], now=later(3)).departed == 10

    run.refresh_from_db()
    assert (run.released_by, run.consumed_at is not None, held_list()) == (rita, True, None)
    assert AuditEvent.objects.get(verb="directory.released").detail["names"] == run.plan["departed"]
    sync(members, now=later(4))
    assert sync(members[:11], now=later(5)).outcome == RunOutcome.HELD


def test_whom_the_list_does_not_name_counts_anew() -> None:
    members, rita = house_of(40), person("rita", is_rtp=True)
    sync(members)
    run = sync(members[:31], now=later(1))
    release(run.pk, by=rita, address="", now=later(2))

    assert sync(members[:20], now=later(3)).outcome == RunOutcome.HELD
    run.refresh_from_db()
    assert run.consumed_at is not None
    assert sync(members[:31], now=later(4)).outcome == RunOutcome.HELD


def test_a_released_list_and_a_few_more_may_leave() -> None:
    members, rita = house_of(40), person("rita", is_rtp=True)
    sync(members)
    run = sync(members[:31], now=later(1))
    release(run.pk, by=rita, address="", now=later(2))

    assert sync(members[:29], now=later(3)).departed == 12


def test_a_release_ends_after_an_hour() -> None:
    members, rita = house_of(20), person("rita", is_rtp=True)
    sync(members)
    now = timezone.now()
    run = sync(members[:11], now=now)
    release(run.pk, by=rita, address="", now=now)

    assert sync(members[:11], now=now + timedelta(minutes=61)).outcome == RunOutcome.HELD


def test_a_directory_that_is_down_does_not_use_up_a_release() -> None:
    members, rita = house_of(20), person("rita", is_rtp=True)
    sync(members)
    run = sync(members[:11], now=later(1))
    release(run.pk, by=rita, address="", now=later(2))
    run_pass(unanswered, now=later(3))

    assert sync(members[:11], now=later(4)).departed == 10


def test_a_list_that_a_later_pass_settled_cannot_be_released() -> None:
    members, rita = house_of(20), person("rita", is_rtp=True)
    sync(members)
    run = sync(members[:11], now=later(1))
    sync(members, now=later(2))

    with pytest.raises(ReleaseRefused, match="out of date"):
        release(run.pk, by=rita, address="", now=later(3))


def test_a_silence_cannot_be_released() -> None:
    rita = person("rita", is_rtp=True)
    sync(house_of(5))
    run = sync([member("m1", "active")], now=later(1))

    assert held_list() is None
    with pytest.raises(ReleaseRefused):
        release(run.pk, by=rita, address="", now=later(2))


def test_rtps_are_told_when_nothing_good_was_read_for_long() -> None:
    now = timezone.now()
    sync(house_of(5), now=now)
    run_pass(unanswered, now=now + timedelta(minutes=10))
    assert not watch_age(now + timedelta(seconds=settings.DIRECTORY_STALE_S))

    assert watch_age(now + timedelta(seconds=settings.DIRECTORY_STALE_S + 60))
    assert {alarm.key for alarm in open_alarms()} == {"reading", "stale"}
    sync(house_of(5), now=later(60))
    assert not open_alarms()


def test_old_runs_are_forgotten() -> None:
    sync(house_of(5), now=timezone.now() - timedelta(days=31))
    sync(house_of(5))

    assert DirectoryRun.objects.count() == 1
