"""The person's own page: keys are saved once, seen and removed by nobody else."""

import uuid
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import (
    AuditEvent,
    DirectoryGroup,
    DirectoryMembership,
    DirectoryRun,
    OutgoingMail,
    SshKey,
    User,
)
from accounts.oidc.backend import NAME as HOUSE
from consoles.models import ConsoleVisit
from tests.cast import PASSWORD, Cast
from tests.factories import make_vm
from tests.pages.test_create import PRIVATE_TEXT, PUBLIC


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    """Alice's browser."""
    client.force_login(cast.alice)
    return client


def test_a_key_is_saved_once(cast: Cast, alice: Client) -> None:
    for _ in range(2):
        assert alice.post("/accounts/", {"new-public_key": PUBLIC}).status_code == 302

    key = SshKey.objects.get(user=cast.alice)
    assert (key.public_key, key.comment) == (PUBLIC, "alice@laptop")
    assert AuditEvent.objects.get(verb="key.added").actor == cast.alice


def test_a_private_key_is_neither_saved_nor_shown(alice: Client) -> None:
    answer = alice.post("/accounts/", {"new-public_key": PRIVATE_TEXT})

    assert answer.status_code == 422
    assert "it was not stored" in answer.content.decode()
    assert "canary" not in answer.content.decode()
    assert not SshKey.objects.exists()


def test_only_its_owner_removes_a_key(cast: Cast, alice: Client) -> None:
    alice.post("/accounts/", {"new-public_key": PUBLIC})
    key = SshKey.objects.get()
    bob = Client()
    bob.force_login(cast.bob)

    foreign, missing = (bob.post(f"/accounts/keys/{number}/remove/") for number in (key.pk, 987_654))
    still_there = SshKey.objects.count()
    own = alice.post(f"/accounts/keys/{key.pk}/remove/")

    assert (foreign.status_code, missing.status_code, still_there) == (404, 404, 1)
    assert (own.status_code, SshKey.objects.count()) == (302, 0)
    assert AuditEvent.objects.filter(verb="key.removed").count() == 1


def sent(content: bytes, name: str = "id.pub") -> SimpleUploadedFile:
    """A file as a browser sends it."""
    return SimpleUploadedFile(name, content, "application/octet-stream")


def test_a_key_is_saved_from_its_file(cast: Cast, alice: Client) -> None:
    answer = alice.post("/accounts/", {"new-public_key": "", "new-key_file": sent(PUBLIC.encode() + b"\n")})

    assert answer.status_code == 302
    assert SshKey.objects.get(user=cast.alice).public_key == PUBLIC


@pytest.mark.parametrize(
    ("pasted", "file", "sentence"),
    [
        ("", b"", "Paste one public key"),
        ("", PRIVATE_TEXT.encode(), "it was not stored"),
        ("", b"\0\1\2 canary" * 2_000, "larger than 16 KB"),
        (PUBLIC, PUBLIC.encode(), "One key is pasted, one is in the file."),
        ("hello canary", PUBLIC.encode(), "Paste one public key"),
    ],
    ids=["empty", "private", "large", "two keys", "not a key"],
)
def test_a_file_that_is_no_key_gets_a_sentence(alice: Client, pasted: str, file: bytes, sentence: str) -> None:
    answer = alice.post("/accounts/", {"new-public_key": pasted, "new-key_file": sent(file, "id_rsa")})

    page = answer.content.decode()
    assert (answer.status_code, SshKey.objects.exists()) == (422, False)
    assert sentence in page
    assert pasted in page
    assert pasted or "canary" not in page


def test_nothing_at_all_is_asked_for(alice: Client) -> None:
    answer = alice.post("/accounts/", {"new-public_key": ""})

    assert "Paste a public key, or choose its file." in answer.content.decode()


def test_a_key_says_its_type_and_that_it_was_not_used_yet(alice: Client) -> None:
    alice.post("/accounts/", {"new-public_key": PUBLIC})

    page = alice.get("/accounts/").content.decode()

    assert PUBLIC.split()[0] in page
    assert "never" in page


def test_a_house_account_reads_what_the_directory_has(cast: Cast, client: Client, settings: LazySettings) -> None:
    User.objects.filter(pk=cast.alice.pk).update(
        kind="house",
        oidc_sub="7",
        ldap_uuid=uuid.uuid4(),
        ldap_uid="alice",
        first_name="Alice Ada",
        email="alice@house.example",
    )
    now = timezone.now()
    group = DirectoryGroup.objects.create(name="active", seen_at=now)
    DirectoryMembership.objects.create(user=cast.alice, group=group)
    DirectoryRun.objects.create(started_at=now, finished_at=now - timedelta(minutes=4), outcome="applied")

    settings.AUTHENTICATION_BACKENDS = [HOUSE]
    client.force_login(cast.alice, backend=HOUSE)
    page = client.get("/accounts/").content.decode()

    for words in ("Alice Ada", "alice@house.example", "active", "From the directory, read 4\xa0minutes ago."):
        assert words in page
    assert "Change password" not in page


def test_a_local_account_says_that_it_is_one(alice: Client) -> None:
    assert "A local account of this portal." in alice.get("/accounts/").content.decode()


def test_colours_are_kept_for_every_browser(cast: Cast, alice: Client) -> None:
    answer = alice.post("/accounts/preferences/", {"theme": "dark"})
    elsewhere = Client()
    elsewhere.force_login(cast.alice)

    assert (answer.status_code, alice.cookies["theme"].value) == (302, "dark")
    assert 'data-bs-theme="dark"' in elsewhere.get("/accounts/").content.decode()
    elsewhere.logout()
    assert "data-bs-theme" not in elsewhere.get("/accounts/login/").content.decode()


def test_the_button_in_the_head_keeps_the_colours_alone(cast: Cast, alice: Client) -> None:
    alice.post("/accounts/preferences/", {"theme": "dark", "sign_in_mail": "on"})

    answer = alice.post("/accounts/preferences/", {"theme": "light", "only": "theme"})

    cast.alice.refresh_from_db()
    assert answer.status_code == 204
    assert cast.alice.preferences == {"theme": "light", "sign_in_mail": True}


def test_the_device_decides_again(cast: Cast, alice: Client) -> None:
    for theme in ("dark", "system"):
        alice.post("/accounts/preferences/", {"theme": theme})

    assert alice.cookies["theme"].value == ""
    assert "data-bs-theme" not in alice.get("/accounts/").content.decode()


@pytest.mark.parametrize("theme", ["", "pink", "dark' onload='", "\0"])
def test_colours_that_do_not_exist_are_refused_beside_the_field(cast: Cast, alice: Client, theme: str) -> None:
    answer = alice.post("/accounts/preferences/", {"theme": theme, "sign_in_mail": "on"})

    cast.alice.refresh_from_db()
    assert (answer.status_code, cast.alice.preferences) == (422, {})
    assert "Choose the colours" in answer.content.decode()


def test_a_mail_tells_of_a_sign_in_to_whoever_asked_for_it(cast: Cast, alice: Client) -> None:
    User.objects.filter(pk=cast.alice.pk).update(email="alice@house.example")
    alice.post("/accounts/preferences/", {"theme": "system", "sign_in_mail": "on"})
    assert not OutgoingMail.objects.exists()

    for name in ("alice", "bob"):
        Client().post("/accounts/login/", {"login": name, "password": PASSWORD}, REMOTE_ADDR="10.9.8.7")

    mail = OutgoingMail.objects.get()
    assert (mail.to, "from 10.9.8.7" in mail.text) == ("alice@house.example", True)
    assert "http" not in mail.text


def test_only_ones_own_consoles_are_listed(cast: Cast, alice: Client) -> None:
    now = timezone.now()
    for person, name in ((cast.alice, "mine"), (cast.bob, "foreign"), (cast.alice, "over")):
        vm = make_vm(cast.alices, name)
        ConsoleVisit.objects.create(
            user=person, user_name=person.username, vm=vm, machine_uuid=uuid.uuid4(), address="10.1.2.3",
            opened_at=now, seen_at=now, closed_at=now if name == "over" else None,
        )  # fmt: skip

    page = alice.get("/accounts/").content.decode()

    assert "the console of mine" in page
    assert "foreign" not in page
    assert "the console of over" not in page


def test_signing_in_offers_no_account_to_make(cast: Cast, client: Client) -> None:
    page = client.get("/accounts/login/").content.decode()

    assert "sign up" not in page.lower()
    assert client.get("/accounts/signup/").status_code == 404


def test_signing_in_leads_where_the_person_wanted_to_go(cast: Cast, client: Client) -> None:
    asked = client.get("/activity/")

    answer = client.post(asked.headers["Location"], {"login": "alice", "password": PASSWORD})

    assert asked.headers["Location"] == "/accounts/login/?next=/activity/"
    assert answer.headers["Location"] == "/activity/"


def test_a_form_without_its_token_does_nothing_and_says_so(cast: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.alice)

    answer = strict.post("/accounts/", {"new-public_key": PUBLIC})

    assert answer.status_code == 403
    assert "Nothing was done." in answer.content.decode()
    assert not SshKey.objects.exists()
