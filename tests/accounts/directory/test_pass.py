"""What a pass writes: who joins, changes, leaves and comes back, and what each is told."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.hashers import is_password_usable
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.departures import notice
from accounts.models import AuditEvent, DirectoryException, DirectoryGroup, OutgoingMail, User
from accounts.roles import AccountKind, RunOutcome
from accounts.signals import user_deactivated
from tests.accounts.directory.house import house_of, later, member, sync, uuid_of
from tests.cast import Cast, person

pytestmark = pytest.mark.django_db
ROSA = member("rosa", "active", "rtp")
ANNA = member("anna", "active", "cinema")


def names() -> set[str]:
    return set(User.objects.values_list("username", flat=True))


def test_the_first_pass_makes_everybody_who_is_active() -> None:
    run = sync([ROSA, ANNA, member("old", "alumni"), member("stu", "current_student")])

    assert (run.outcome, run.joined, run.members_read) == (RunOutcome.APPLIED, 3, 4)
    assert names() == {"rosa", "anna", "stu"}
    assert User.objects.get(username="rosa").is_rtp
    assert not User.objects.get(username="anna").is_rtp


def test_a_house_account_has_no_password() -> None:
    sync([ROSA, ANNA])

    anna = User.objects.get(username="anna")
    assert (anna.kind, anna.ldap_uuid, anna.get_full_name()) == (AccountKind.HOUSE, uuid_of("anna"), "Anna")
    assert not is_password_usable(anna.password)
    assert not anna.has_usable_password()


def test_a_pass_without_changes_changes_no_row() -> None:
    sync(house_of(5))
    before = list(User.objects.order_by("pk").values())

    run = sync(house_of(5), now=later())

    assert (run.joined, run.changed, run.departed, run.plan) == (0, 0, 0, {})
    assert list(User.objects.order_by("pk").values()) == before


def test_name_address_and_uid_follow_the_directory() -> None:
    sync([ROSA, ANNA])
    sync([ROSA, member("annika", "active", key="anna", full_name="Annika Berg", email="a@example.net")], now=later())

    annika = User.objects.get(ldap_uuid=uuid_of("anna"))
    assert (annika.username, annika.ldap_uid, annika.email) == ("annika", "annika", "a@example.net")
    assert annika.get_full_name() == "Annika Berg"
    assert AuditEvent.objects.filter(verb="person.renamed", detail={"before": "anna"}).exists()


def test_two_who_swap_their_uids_swap_their_usernames() -> None:
    sync([ROSA, member("ann", "active"), member("ben", "active")])
    sync([ROSA, member("ben", "active", key="ann"), member("ann", "active", key="ben")], now=later())

    assert User.objects.get(ldap_uuid=uuid_of("ann")).username == "ben"
    assert User.objects.get(ldap_uuid=uuid_of("ben")).username == "ann"


def test_groups_are_kept_while_they_hold_somebody_we_know() -> None:
    sync([ROSA, ANNA, member("old", "alumni")])
    assert set(DirectoryGroup.objects.values_list("name", "members_seen")) == {("active", 2), ("rtp", 1), ("cinema", 1)}

    sync([ROSA, member("anna", "active", "music")], now=later())

    assert set(DirectoryGroup.objects.values_list("name", flat=True)) == {"active", "rtp", "music"}
    anna = User.objects.get(username="anna")
    assert set(anna.directory_groups.values_list("name", flat=True)) == {"active", "music"}


def test_rtp_status_comes_and_goes_with_the_group() -> None:
    sync([ROSA, ANNA])
    sync([ROSA, member("anna", "active", "rtp")], now=later())
    assert User.objects.get(username="anna").has_rtp_power

    sync([ROSA, ANNA], now=later(20))

    assert not User.objects.get(username="anna").is_rtp
    assert set(AuditEvent.objects.filter(target_name="anna").values_list("verb", flat=True)) == {
        "rtp.gained", "rtp.lost",
    }  # fmt: skip


def test_one_real_departure_takes_effect_with_the_next_pass(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    told: list[int] = []
    user_deactivated.connect(lambda user_id, **_: told.append(user_id), weak=False, dispatch_uid="test")
    sync([*house_of(3), ANNA])
    anna = User.objects.get(username="anna")
    session = anna.get_session_auth_hash()
    now = later()
    with django_capture_on_commit_callbacks(execute=True):
        run = sync([*house_of(3), member("anna", "alumni")], now=now)
    user_deactivated.disconnect(dispatch_uid="test")

    anna.refresh_from_db()
    assert (run.departed, run.plan["departed"]) == (1, ["anna"])
    assert (anna.departed_at, anna.run_on_until) == (now, now + timedelta(days=settings.DEPARTURE_DAYS))
    assert anna.is_active
    assert anna.get_session_auth_hash() != session
    assert told == [anna.pk]


def test_the_mail_says_what_holds() -> None:
    sync([*house_of(3), ANNA])
    sync(house_of(3), now=later(0))

    anna = User.objects.get(username="anna")
    mail = OutgoingMail.objects.get(to="anna@example.org")
    assert notice(anna)
    assert notice(anna) in mail.text
    assert AuditEvent.objects.filter(verb="person.departed", target_name="anna").exists()


def test_whoever_comes_back_is_active_again() -> None:
    sync([*house_of(3), ANNA])
    sync(house_of(3), now=later(1))
    User.objects.filter(username="anna").update(is_active=False)

    run = sync([*house_of(3), ANNA], now=later(2))

    anna = User.objects.get(username="anna")
    assert (run.returned, anna.departed_at, anna.run_on_until, anna.is_active) == (1, None, None, True)
    assert OutgoingMail.objects.filter(to="anna@example.org", subject__contains="welcome back").exists()


def test_a_lock_stays_a_lock_whatever_the_directory_says() -> None:
    sync([*house_of(3), ANNA])
    User.objects.filter(username="anna").update(locked_at=timezone.now(), lock_reason="mining")
    sync(house_of(3), now=later(1))
    sync([*house_of(3), ANNA], now=later(2))

    anna = User.objects.get(username="anna")
    assert (anna.locked_at is not None, anna.lock_reason) == (True, "mining")


def test_local_accounts_are_never_touched(cast: Cast) -> None:
    before = list(User.objects.order_by("pk").values())
    sync(house_of(3))
    sync([member("rosa", "active", "rtp")], now=later())

    assert list(User.objects.filter(kind=AccountKind.LOCAL).order_by("pk").values()) == before


def test_an_exception_holds_until_its_last_day_and_gives_no_rtp_status() -> None:
    sync([*house_of(3), member("anna", "active", "rtp")])
    anna = User.objects.get(username="anna")
    now = later()
    last_day = timezone.localdate(now)
    DirectoryException.objects.create(user=anna, reason="thesis", until=last_day)

    sync(house_of(3), now=now)
    anna.refresh_from_db()
    assert (anna.departed_at, anna.is_rtp) == (None, False)

    sync(house_of(3), now=now + timedelta(days=1))
    anna.refresh_from_db()
    assert anna.departed_at is not None


def test_an_exception_brings_back_who_had_left() -> None:
    sync([*house_of(3), ANNA])
    sync(house_of(3), now=later(1))
    DirectoryException.objects.create(
        user=User.objects.get(username="anna"), reason="thesis", until=timezone.localdate() + timedelta(days=30)
    )

    assert sync(house_of(3), now=later(2)).returned == 1


def test_a_dry_run_writes_nothing() -> None:
    sync([*house_of(3), ANNA])
    run = sync([*house_of(4)], now=later(), dry_run=True)

    assert run._state.adding
    assert (run.plan["joined"], run.plan["departed"]) == (["m3"], ["anna"])
    assert "m3" not in names()
    assert User.objects.get(username="anna").departed_at is None


def test_an_account_without_an_entry_keeps_its_name(db: None) -> None:
    User.objects.create(username="anna", kind=AccountKind.HOUSE, oidc_iss="https://id", oidc_sub="1")
    run = sync([ROSA, ANNA])

    assert run.joined == 1
    assert "anna" in run.problems[0]["entry"]
    assert person("bert").kind == AccountKind.LOCAL
