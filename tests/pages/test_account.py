"""The person's own page: keys are saved once, seen and removed by nobody else."""

import pytest
from django.test import Client

from accounts.models import AuditEvent, SshKey
from tests.cast import PASSWORD, Cast
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
