"""An RTP locks a person out with a reason, and undoes it."""

import pytest
from django.test import Client

from accounts.models import AuditEvent, User
from accounts.signals import user_locked
from tests.cast import PASSWORD, Cast
from tests.sign_in import sign_in

REASON = "Mines coins <b>on</b> the house's nodes"


@pytest.fixture
def rita(cast: Cast, client: Client) -> Client:
    return sign_in(client, cast.rita)


def lock(client: Client, person: User, reason: str = REASON) -> int:
    return client.post(f"/rtp/people/{person.pk}/lock/", {"reason": reason}).status_code


def test_a_locked_person_is_out_at_once(cast: Cast, rita: Client, django_capture_on_commit_callbacks: object) -> None:
    alice, told = sign_in(Client(), cast.alice), list[int]()
    user_locked.connect(receiver := lambda user_id, **_: told.append(user_id), weak=False)
    try:
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture without a stub
            assert lock(rita, cast.alice) == 302
    finally:
        user_locked.disconnect(receiver)

    assert told == [cast.alice.pk]
    assert alice.get("/").headers["Location"].startswith("/accounts/login/")
    event = AuditEvent.objects.get(verb="person.lock")
    assert (event.actor, event.target_name, event.detail["reason"]) == (cast.rita, "alice", REASON)


def test_the_reason_is_shown_to_whoever_has_the_password_only(cast: Cast, rita: Client) -> None:
    lock(rita, cast.alice)
    right = {"login": "alice", "password": PASSWORD}

    seen = Client().post("/accounts/login/", right, follow=True)
    other = Client().post("/accounts/login/", right | {"password": "wrong"}, follow=True)

    assert "Mines coins &lt;b&gt;on&lt;/b&gt;" in seen.content.decode()
    assert not seen.wsgi_request.user.is_authenticated
    assert "Mines coins" not in other.content.decode()


def test_an_rtp_undoes_it(cast: Cast, rita: Client) -> None:
    lock(rita, cast.alice)

    assert rita.post(f"/rtp/people/{cast.alice.pk}/unlock/").status_code == 302

    client = Client()
    client.post("/accounts/login/", {"login": "alice", "password": PASSWORD})
    assert client.get("/").status_code == 200
    assert AuditEvent.objects.filter(verb="person.unlock", target_name="alice").count() == 1


@pytest.mark.parametrize(
    ("who", "reason", "sentence"),
    [
        ("alice", "  ", "Say why: the reason is shown to the person."),
        ("alice", "x" * 201, "Say it in 200 characters."),
        ("rita", "x", "You cannot lock your own account."),
    ],
)
def test_a_lock_that_makes_no_sense_is_refused_in_words(
    cast: Cast, rita: Client, who: str, reason: str, sentence: str
) -> None:
    answer = rita.post(f"/rtp/people/{getattr(cast, who).pk}/lock/", {"reason": reason})

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not User.objects.exclude(locked_at=None).exists()


def test_a_second_lock_keeps_the_first_reason(cast: Cast, rita: Client) -> None:
    lock(rita, cast.alice)

    assert lock(rita, cast.alice, "another") == 422
    assert User.objects.get(pk=cast.alice.pk).lock_reason == REASON


def test_an_rtp_can_be_locked_and_has_no_power_then(cast: Cast, rita: Client) -> None:
    other = User.objects.create_user("ron", password=PASSWORD, is_rtp=True)
    ron = sign_in(Client(), other)
    lock(rita, other)

    assert (
        ron.post(f"/rtp/people/{cast.alice.pk}/lock/", {"reason": "x"})
        .headers["Location"]
        .startswith("/accounts/login")
    )
    assert User.objects.get(pk=cast.alice.pk).locked_at is None


def test_signing_somebody_out_everywhere_lets_them_come_back(cast: Cast, rita: Client) -> None:
    alice = sign_in(Client(), cast.alice)

    rita.post(f"/rtp/people/{cast.alice.pk}/sign-out/")

    assert alice.get("/").status_code == 302
    assert sign_in(Client(), User.objects.get(pk=cast.alice.pk)).get("/").status_code == 200
    assert rita.get("/").status_code == 200


def test_members_cannot(cast: Cast, client: Client) -> None:
    sign_in(client, cast.alice)

    assert lock(client, cast.bob) == 403
    assert User.objects.get(pk=cast.bob.pk).locked_at is None
