"""The RTPs' page about the directory, and what they decide there and in the admin."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.directory import wake
from accounts.errors import DirectoryUnavailable
from accounts.identity import DirectoryReading, Problem
from accounts.models import AuditEvent, DirectoryException, OutgoingMail, User
from accounts.sync import run_pass
from tests.accounts.directory.house import house_of, later, member, sync
from tests.cast import person
from tests.sign_in import sign_in

pytestmark = pytest.mark.django_db
PAGE, RELEASE = "/rtp/directory/", "/rtp/directory/release/"
ADD = reverse("admin:accounts_directoryexception_add")


@pytest.fixture
def rita() -> User:
    return person("rita", is_rtp=True)


@pytest.fixture
def page(client: Client, rita: User) -> Client:
    """A browser of rita's, with a fresh proof."""
    return sign_in(client, rita)


def text_of(client: Client) -> str:
    response = client.get(PAGE)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_without_a_directory_the_page_says_so(page: Client) -> None:
    assert "No directory is configured" in text_of(page)


def test_the_page_tells_what_the_last_pass_did(page: Client, settings: Settings) -> None:
    settings.LDAP_URL = "ldaps://ldap.example.org"
    assert "No pass yet" in text_of(page)

    sync(house_of(2), problems=(Problem("uid=x,dc=example", "The uid is empty."),))

    text = text_of(page)
    assert "Last good reading" in text
    assert "Joined: m0, m1, rosa" in text
    assert "uid=x,dc=example" in text
    assert "The uid is empty." in text


def test_an_open_alarm_stands_on_the_page_until_it_ends(page: Client) -> None:
    sync(house_of(2))
    run_pass(silent, now=later())
    assert "The directory changed nobody. It does not answer." in text_of(page)

    sync(house_of(2), now=later(20))

    assert "RTPs were told by mail" not in text_of(page)


def silent() -> DirectoryReading:
    raise DirectoryUnavailable("It does not answer.")


def test_an_old_reading_is_marked(page: Client) -> None:
    sync(house_of(2), now=timezone.now() - timedelta(hours=2))

    assert "The last good reading is old" in text_of(page)


def test_an_rtp_releases_the_list_they_looked_at(
    page: Client, rita: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(wake, "wake", lambda: asked.append(True))
    members = house_of(20)
    sync(members, now=timezone.now() - timedelta(minutes=20))
    run = sync(members[:11], now=timezone.now() - timedelta(minutes=10))
    assert "10 departures wait for an RTP" in text_of(page)

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        response = page.post(RELEASE, {"run": run.pk}, follow=True)

    assert "Released by rita" in response.content.decode()
    assert asked
    assert sync(members[:11]).departed == 10
    assert AuditEvent.objects.get(verb="directory.released").actor == rita


@pytest.mark.parametrize("run", ["", "x", "0", "9" * 30, "-1"])
def test_a_list_that_is_not_there_is_not_released(page: Client, run: str) -> None:
    response = page.post(RELEASE, {"run": run}, follow=True)

    assert "This list is not there any more" in response.content.decode()


def test_releasing_takes_a_fresh_proof(client: Client, rita: User) -> None:
    members = house_of(20)
    sync(members)
    run = sync(members[:11], now=later())
    sign_in(client, rita, fresh=False)

    client.post(RELEASE, {"run": run.pk})

    run.refresh_from_db()
    assert run.released_at is None


def test_a_released_list_is_released_by_the_admin_as_well(page: Client) -> None:
    members = house_of(20)
    sync(members, now=timezone.now() - timedelta(minutes=20))
    run = sync(members[:11], now=timezone.now() - timedelta(minutes=10))

    page.post(
        reverse("admin:accounts_directoryrun_changelist"), {"action": "release_list", "_selected_action": [run.pk]}
    )

    run.refresh_from_db()
    assert run.released_at is not None


def test_an_exception_is_made_changed_and_ended_with_a_trail(page: Client, rita: User) -> None:
    sync([*house_of(3), member("anna", "active")])
    anna = User.objects.get(username="anna")
    until = timezone.localdate() + timedelta(days=30)
    page.post(ADD, {"user": anna.pk, "reason": "thesis", "until": until})
    made = DirectoryException.objects.get()
    assert (made.user, made.made_by, made.until) == (anna, rita, until)
    at = reverse("admin:accounts_directoryexception_change", args=[made.pk])
    seen = re.findall(r'name="seen" value="(\w+)"', page.get(at).content.decode())[0]
    page.post(at, {"user": anna.pk, "reason": "thesis, late", "until": until, "seen": seen})
    assert "thesis, late" in text_of(page)

    page.post(reverse("admin:accounts_directoryexception_delete", args=[made.pk]), {"post": "yes"})

    verbs = AuditEvent.objects.filter(verb__startswith="exception.").values_list("verb", flat=True)
    assert sorted(verbs) == ["exception.changed", "exception.ended", "exception.made"]
    assert not DirectoryException.objects.exists()


def test_an_exception_takes_a_house_account_and_a_day_to_come(page: Client) -> None:
    local, past = person("bob"), timezone.localdate() - timedelta(days=1)
    text = page.post(ADD, {"user": local.pk, "reason": "x", "until": past}).content.decode()

    assert "bob is a local account; the directory does not decide over it." in text
    assert "This day is over." in text
    assert not DirectoryException.objects.exists()


def test_the_admin_finds_whom_an_exception_is_for(page: Client) -> None:
    sync([*house_of(1), member("anna", "active")])
    field = {"app_label": "accounts", "model_name": "directoryexception", "field_name": "user"}

    found = page.get(reverse("admin:autocomplete"), {"term": "ann", **field}).json()["results"]

    assert [one["text"] for one in found] == ["anna"]


def test_the_admin_shows_mail_without_its_text_and_changes_nothing(page: Client) -> None:
    now = timezone.now()
    mail = OutgoingMail.objects.create(to="a@b.example", subject="hello", text="for-you", made_at=now, next_try_at=now)
    at = reverse("admin:accounts_outgoingmail_change", args=[mail.pk])

    assert "for-you" not in page.get(at).content.decode()
    assert page.post(at, {"subject": "x"}).status_code == 403
    for name in ("alarm", "directorygroup", "directoryrun"):
        assert page.get(reverse(f"admin:accounts_{name}_changelist")).status_code == 200
        assert page.get(reverse(f"admin:accounts_{name}_add")).status_code == 403
