"""The same against npm's oidc-provider, which nobody here wrote: an honest house, and one that lies on command."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from pytest_django import Settings

from accounts.models import SsoSession, User
from accounts.oidc import provider
from accounts.proof import SESSION_KEY as PROOF
from tests.accounts.oidc.browser import LOGOUT, START, member
from tests.accounts.oidc.conftest import trust
from tests.figures import figure
from tests.providers.oidc_provider import OidcProvider, Visitor
from tests.providers.test_oidc_provider import TokenCatcher

PAGE = "/accounts/"
Lie = Callable[[OidcProvider], object]

LIES: dict[str, Lie] = {
    "another issuer": lambda house: house.id_token(claims={"iss": "https://evil.example"}),
    "for another client": lambda house: house.id_token(claims={"aud": "somebody-else"}),
    "given to another": lambda house: house.id_token(claims={"azp": "somebody-else"}),
    "another nonce": lambda house: house.id_token(claims={"nonce": "guessed"}),
    "no nonce": lambda house: house.id_token(drop=["nonce"]),
    "no subject": lambda house: house.id_token(drop=["sub"]),
    "unsigned": lambda house: house.id_token(alg="none"),
    "the client's secret": lambda house: house.id_token(alg="HS256", key="secret"),
    "the public key as a secret": lambda house: house.id_token(alg="HS256", key="public"),
    "a foreign key": lambda house: house.id_token(key="foreign"),
    "a key that nobody published": lambda house: house.id_token(kid="unheard-of"),
    "five minutes ahead": lambda house: house.shift(300),
    "five minutes behind": lambda house: house.shift(-300),
    "user info of another": lambda house: house.userinfo(sub="sub-rita"),
    "a name that is a list": lambda house: house.userinfo(preferred_username=["alice"]),
    "500 at the token": lambda house: house.answer("/token", "{}", status=500),
    "HTML at the keys": lambda house: house.answer("/jwks", "<p>", kind="text/html"),
    "a redirect at user info": lambda house: house.answer("/me", "", status=302),
    "a hang at the token": lambda house: house.hang("/token"),
}


@pytest.fixture(scope="module")
def running() -> Iterator[OidcProvider]:
    """One provider for this file."""
    with OidcProvider() as started:
        yield started


@pytest.fixture
def real(running: OidcProvider, settings: Settings, db: None) -> OidcProvider:
    """Honest, and the one the portal knows."""
    running.calm()
    trust(settings, running.issuer, running.client_id, running.client_secret)
    return running


@pytest.fixture
def alice(real: OidcProvider) -> User:
    """The row that the directory made for her."""
    return member()


def signed_in(real: OidcProvider, uid: str = "alice") -> tuple[Client, Visitor, Any]:
    """The portal's side and the house's side of one browser, and the portal's last answer."""
    client, visitor = Client(raise_request_exception=False), real.visitor()
    answer = client.post(START)
    if answer["Location"].startswith(real.issuer):
        answer = client.get(visitor.authorize(answer["Location"], uid))
    return client, visitor, answer


def user_of(client: Client) -> User | None:
    """Who is signed in."""
    return User.objects.filter(pk=client.session.get("_auth_user_id") or 0).first()


def expire(client: Client) -> None:
    """The session is due to be looked at."""
    session = client.session
    session["oidc_id_token_expiration"] = 0
    session.save()


def test_alice_comes_in_is_refreshed_unseen_and_goes_out_of_both(real: OidcProvider, alice: User) -> None:
    client, visitor, _answer = signed_in(real)
    assert user_of(client) == alice
    expire(client)

    back = client.get(visitor.authorize(client.get(PAGE)["Location"]))
    assert back["Location"] == PAGE
    left = visitor.sign_out(client.post("/accounts/logout/")["Location"])

    assert left == "http://testserver/accounts/login/"
    assert user_of(client) is None
    assert "error=login_required" in visitor.authorize(client.post(START)["Location"] + "&prompt=none")


def test_a_session_that_ended_at_the_house_is_found_out_at_the_next_look(real: OidcProvider, alice: User) -> None:
    client, visitor, _answer = signed_in(real)
    with TokenCatcher() as catcher:
        real.backchannel(catcher.address)
        real.log_out("alice")
    expire(client)

    response = client.get(visitor.authorize(client.get(PAGE)["Location"]))

    assert "why=ended" in response["Location"]
    assert user_of(client) is None


def test_the_house_ends_our_session_by_its_back_channel(real: OidcProvider, alice: User) -> None:
    client, _visitor, _answer = signed_in(real)
    with TokenCatcher() as catcher:
        real.backchannel(catcher.address)
        real.log_out("alice")
    (token,) = catcher.caught

    answers = [Client().post(LOGOUT, {"logout_token": token}).status_code for _ in range(2)]

    assert answers == [200, 400]
    assert user_of(client) is None
    assert not SsoSession.objects.exists()


def test_new_keys_count_and_old_ones_do_not(real: OidcProvider, alice: User) -> None:
    assert user_of(signed_in(real)[0]) == alice

    real.rotate(keep_old=False)

    assert user_of(signed_in(real)[0]) == alice


@pytest.mark.parametrize("seconds", [-45, 45])
def test_clocks_may_differ_a_little(real: OidcProvider, alice: User, seconds: int) -> None:
    real.shift(seconds)

    assert user_of(signed_in(real)[0]) == alice


def test_an_rtp_proves_afresh_who_she_is(real: OidcProvider) -> None:
    member("rita", is_rtp=True)
    client, visitor, _answer = signed_in(real, "rita")
    away = client.post("/accounts/proof/house/")["Location"]

    with pytest.raises(AssertionError, match="Sign in to the house"):
        visitor.authorize(away)
    client.get(visitor.authorize(away, "rita"))

    assert client.session[PROOF]["how"] == "house"


def test_a_house_that_does_not_say_when_proves_nothing(real: OidcProvider) -> None:
    member("rita", is_rtp=True)
    client, visitor, _answer = signed_in(real, "rita")
    real.id_token(drop=["auth_time"])

    client.get(visitor.authorize(client.post("/accounts/proof/house/")["Location"], "rita"))

    assert PROOF not in client.session
    assert user_of(client) is not None


def test_a_frozen_house_is_said_to_be_down_and_throws_nobody_out(
    real: OidcProvider, alice: User, settings: Settings
) -> None:
    client, _visitor, _answer = signed_in(real)
    expire(client)
    settings.OIDC_TIMEOUT_S = 0.5
    real.freeze()
    try:
        assert client.get(PAGE).status_code == 200
        assert Client().post(START)["Location"] == "/accounts/login/?why=unavailable"
    finally:
        real.thaw()


def test_r25_no_lie_of_a_real_provider_is_believed(real: OidcProvider, alice: User, settings: Settings) -> None:
    believed, broken = [], []
    for name, lie in LIES.items():
        real.calm()
        provider.forget()
        cache.clear()
        settings.OIDC_TIMEOUT_S = 0.5 if "hang" in name else 4
        lie(real)
        with transaction.atomic():
            client, _visitor, answer = signed_in(real)
            believed += [name] if user_of(client) else []
            broken += [name] if answer.status_code >= 500 else []
            transaction.set_rollback(True)

    figure("R-25", "oidc-provider cases", len(LIES), "wrongly accepted", len(believed), "http 500", len(broken))
    assert len(LIES) >= 15
    assert (believed, broken) == ([], [])
