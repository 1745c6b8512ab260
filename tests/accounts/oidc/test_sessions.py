"""Sessions of the house: looked at now and then, unseen, and ended together with the house's."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import SsoSession, User
from accounts.oidc import provider, sessions
from accounts.signals import sessions_ended
from tests.accounts.oidc.browser import LOGOUT, Browser, member, said, why
from tests.cast import person
from tests.providers.hostile import HostileProvider
from tests.sign_in import sign_in

PAGE = "/accounts/"


@pytest.fixture
def alice(browser: Browser) -> User:
    """Signed in by the house in `browser`."""
    user = member()
    browser.sign_in()
    assert browser.user() == user
    return user


def tell(token: str) -> Any:
    """The provider's server sends a logout token."""
    return Client(raise_request_exception=False).post(LOGOUT, {"logout_token": token})


def test_an_old_session_is_looked_at_unseen_and_goes_on(browser: Browser, alice: User) -> None:
    browser.expire()

    away = browser.open(PAGE + "?a=b")["Location"]
    back = browser.back(away)

    assert "prompt=none" in away
    assert back["Location"] == PAGE + "?a=b"
    assert browser.open(back["Location"]).status_code == 200


def test_the_key_of_the_session_stays_at_a_refresh(browser: Browser, alice: User) -> None:
    browser.expire()
    before = browser.client.session.session_key

    browser.back(browser.open(PAGE)["Location"])

    assert browser.client.session.session_key == before


def test_htmx_loads_its_page_anew(browser: Browser, alice: User) -> None:
    browser.expire()

    response = browser.open(PAGE, **{"HX-Request": "true"})

    assert (response.status_code, response["HX-Refresh"]) == (204, "true")


@pytest.mark.parametrize("header", [{"Accept": "application/json"}, {"Sec-Fetch-Mode": "cors"}])
def test_a_script_gets_an_answer_that_it_can_read(browser: Browser, alice: User, header: dict[str, str]) -> None:
    browser.expire()

    response = browser.open(PAGE, **header)

    assert (response.status_code, response.json()["code"]) == (403, "refresh")


def test_a_form_is_never_led_away(browser: Browser, alice: User, house: HostileProvider) -> None:
    browser.expire()

    response = browser.client.post(PAGE, {"new-public_key": "no key"})

    assert response.status_code == 422


def test_local_people_are_not_looked_at(house: HostileProvider) -> None:
    client = sign_in(Client(), person("bob"))

    assert client.get(PAGE).status_code == 200
    assert house.seen == []


@pytest.mark.parametrize("error", ["login_required", "interaction_required", "consent_required"])
def test_a_session_that_ended_at_the_house_ends_here_with_a_sentence(
    browser: Browser, alice: User, house: HostileProvider, error: str
) -> None:
    browser.expire()

    response = browser.open(house.refuse(browser.open(PAGE)["Location"], error))

    assert why(response) == "ended"
    assert browser.user() is None
    assert "your session at the house has ended" in browser.open(response["Location"]).content.decode()
    assert not SsoSession.objects.exists()


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
def test_a_house_in_trouble_throws_nobody_out(
    browser: Browser, alice: User, house: HostileProvider, error: str
) -> None:
    browser.expire()

    response = browser.open(house.refuse(browser.open(PAGE)["Location"], error))

    assert response["Location"] == PAGE
    assert browser.open(PAGE).status_code == 200


def test_stopping_at_the_house_is_no_error(browser: Browser, house: HostileProvider) -> None:
    assert why(browser.open(house.refuse(browser.start(), "access_denied"))) == "cancelled"


def test_signing_out_here_goes_on_to_the_house(browser: Browser, alice: User, house: HostileProvider) -> None:
    token = browser.client.session["oidc_id_token"]

    response = browser.client.post("/accounts/logout/")

    asked = parse_qs(urlsplit(response["Location"]).query)
    assert response["Location"].startswith(house.issuer + "/end?")
    assert asked["id_token_hint"] == [token]
    assert asked["post_logout_redirect_uri"] == ["http://testserver/accounts/login/"]
    assert browser.user() is None
    assert not SsoSession.objects.exists()
    assert not UserSession.objects.exists()


def test_signing_out_works_while_the_house_is_down(browser: Browser, alice: User, house: HostileProvider) -> None:
    house.hangs.add("/.well-known/openid-configuration")

    response = browser.client.post("/accounts/logout/")

    assert response["Location"] == "/accounts/login/"
    assert "may still be signed in there" in said(response)
    assert browser.user() is None


def test_a_house_without_a_way_out_ends_at_our_page(browser: Browser, alice: User, house: HostileProvider) -> None:
    house.document["end_session_endpoint"] = None
    provider.forget()

    assert browser.client.post("/accounts/logout/")["Location"] == "/accounts/login/"


def test_another_origin_is_reached_by_a_page_because_forms_may_not_lead_there(
    browser: Browser, house: HostileProvider
) -> None:
    house.document["authorization_endpoint"] = f"http://localhost:{house.port}/auth?tenant=house"

    response = browser.client.post("/accounts/house/")

    assert response.status_code == 200
    assert response["Refresh"].startswith(f"0; url=http://localhost:{house.port}/auth?tenant=house&response_type=code")
    assert 'href="http://localhost' in response.content.decode()


def test_the_house_ends_one_session_and_consoles_hear_of_it(
    browser: Browser,
    alice: User,
    house: HostileProvider,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    house.sid = "another"
    other = Browser(house)
    other.sign_in()
    heard: list[int] = []

    def hear(sender: object, user_id: int, **_: object) -> None:
        heard.append(user_id)

    sessions_ended.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        response = tell(house.logout_token(sid="session-at-the-house", sub="sub-alice"))
    sessions_ended.disconnect(hear)

    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert (browser.user(), other.user()) == (None, alice)
    assert heard == [alice.pk]
    assert SsoSession.objects.count() == UserSession.objects.count() == Session.objects.count() == 1


def test_the_house_ends_all_sessions_of_a_person(browser: Browser, alice: User, house: HostileProvider) -> None:
    other = Browser(house)
    other.sign_in()

    tell(house.logout_token(sid=None, sub="sub-alice"))

    alice.refresh_from_db()
    assert alice.session_epoch == 1
    assert [one.open(PAGE).status_code for one in (browser, other)] == [302, 302]


def test_the_back_channel_takes_posts_only(house: HostileProvider) -> None:
    assert Client().get(LOGOUT).status_code == 405
    assert Client(enforce_csrf_checks=True).post(LOGOUT, {"logout_token": "x"}).status_code == 400


def test_a_logout_token_that_cannot_be_checked_is_not_spent(
    browser: Browser, alice: User, house: HostileProvider
) -> None:
    token, keys = house.logout_token(), house.keys
    house.keys = []
    assert tell(token).status_code == 400

    house.keys = keys

    assert tell(token).status_code == 200
    assert browser.user() is None


def test_rubbish_in_place_of_a_token_costs_no_call(house: HostileProvider) -> None:
    assert [tell(token).status_code for token in ("", "a.b.c", "x" * 20_000)] == [400, 400, 400]
    assert house.seen == []


def test_rows_of_sessions_that_are_over_are_forgotten(browser: Browser, alice: User) -> None:
    assert sessions.prune() == 0

    Session.objects.all().delete()

    assert sessions.prune() == 1


def test_a_refresh_brings_roles_up_to_date(
    browser: Browser, alice: User, house: HostileProvider, settings: Settings
) -> None:
    house.person(sub="sub-alice", preferred_username="alice", groups=["active", "rtp"])
    browser.expire()

    browser.back(browser.open(PAGE)["Location"])

    alice.refresh_from_db()
    assert alice.is_rtp
