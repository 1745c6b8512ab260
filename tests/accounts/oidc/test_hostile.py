"""R-25: a provider that lies, and people who lie about it, get nobody in, nobody out, and no error page."""

import logging
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from django.core.cache import cache
from django.db import transaction
from pytest_django import Settings

from accounts.oidc import backend, callback, provider, tokens, trips, views
from tests.accounts.oidc.browser import why
from tests.accounts.oidc.hostile_cases import CASES
from tests.accounts.oidc.lies_of_browsers import proof_trip
from tests.accounts.oidc.stage import Case, Stage, gets_in
from tests.figures import figure
from tests.providers.hostile import SECOND, HostileProvider

LEAST = 60
BY_NAME = {case.name: case for case in CASES}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Each refusal is logged; here they are meant."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def tried(case: Case, house: HostileProvider, settings: Settings) -> tuple[bool, list[int]]:
    """(was it accepted, the portal's statuses); nothing of it lasts."""
    house.calm()
    provider.forget()
    timeout_s = settings.OIDC_TIMEOUT_S
    with transaction.atomic():
        stage = Stage.set(house, settings)
        accepted = case.run(stage)
        transaction.set_rollback(True)
    settings.OIDC_TIMEOUT_S = timeout_s
    cache.clear()
    return accepted, stage.browser.statuses


def test_r25_a_lying_house_gets_nobody_in_or_out(house: HostileProvider, settings: Settings) -> None:
    results = {case.name: tried(case, house, settings) for case in CASES}

    accepted = sorted(name for name, (was_accepted, _) in results.items() if was_accepted)
    broken = sorted(name for name, (_, statuses) in results.items() if any(status >= 500 for status in statuses))
    figure("R-25", "cases", len(results), "wrongly accepted", len(accepted), "http 500", len(broken))
    assert len(results) == len(CASES) >= LEAST
    assert (accepted, broken) == ([], [])


def test_the_same_house_is_believed_when_it_does_not_lie(house: HostileProvider, settings: Settings) -> None:
    assert gets_in(Stage.set(house, settings))


def test_new_keys_count_from_the_moment_they_are_published(house: HostileProvider, settings: Settings) -> None:
    stage = Stage.set(house, settings)
    assert gets_in(stage)
    house.keys, house.key = [SECOND], SECOND

    stage.browser.client.logout()

    assert gets_in(stage)


@pytest.mark.parametrize("seconds", [-45, 45])
def test_clocks_may_differ_by_less_than_a_minute(house: HostileProvider, settings: Settings, seconds: int) -> None:
    house.shift_s = seconds

    assert gets_in(Stage.set(house, settings))


@pytest.mark.parametrize("seconds", [-300, 300])
def test_a_wrong_clock_is_called_so(house: HostileProvider, settings: Settings, seconds: int) -> None:
    house.shift_s = seconds

    assert why(Stage.set(house, settings).browser.sign_in()) == "clock"


def test_a_sign_in_made_just_now_is_a_fresh_proof(house: HostileProvider, settings: Settings) -> None:
    stage = Stage.set(house, settings)
    url = proof_trip(stage)
    session = stage.browser.client.session
    session["held_forms"] = {"a": "form"}
    session.save()

    assert "prompt=login" in url
    assert "max_age=900" in url
    stage.browser.back(url)

    assert stage.browser.client.session["proof"]["how"] == "house"
    assert stage.browser.client.session["held_forms"] == {"a": "form"}


real_decode = jwt.decode


def without(*checks: str) -> Any:
    """PyJWT with these checks left out."""

    def decode(token: str, key: Any, *, options: Any, **kw: Any) -> Any:
        left: Any = {**options, **dict.fromkeys(checks, False)}
        return real_decode(token, key, options=left, **kw)

    return decode


def _no_nonce(token: object, keys: Any, expected: Any, *, nonce: str, age_s: float) -> dict[str, Any]:
    claims = jwt.decode(str(token), options={"verify_signature": False})
    return tokens.id_token_claims(token, keys, expected, nonce=claims["nonce"], age_s=age_s)


@pytest.mark.parametrize(
    ("name", "removed"),
    [
        ("another issuer", (jwt, "decode", without("verify_iss"))),
        ("for another client", (jwt, "decode", without("verify_aud"))),
        ("a foreign key under our id", (jwt, "decode", without("verify_signature"))),
        ("for us, given to another", (tokens, "_check_party", lambda *_: None)),
        ("clock five minutes behind", (tokens, "_check_age", lambda *_: None)),
        ("another nonce", (backend, "id_token_claims", _no_nonce)),
        ("the callback a second time, before the first one ended", (trips, "spend_once", lambda *_, **__: True)),
        ("another issuer's answer", (callback, "check_answer", lambda _: None)),
        ("a refresh by somebody else", (backend.HouseBackend, "_check_person", lambda *_: None)),
        ("a proof of an hour ago", (callback, "check_proof", lambda *_: None)),
        ("a proof without auth_time", (callback, "check_proof", lambda *_: None)),
        ("a logout token a second time", (views, "spend_once", lambda *_, **__: True)),
    ],
)
def test_without_the_check_the_same_case_gets_through(
    house: HostileProvider, settings: Settings, monkeypatch: pytest.MonkeyPatch, name: str, removed: Any
) -> None:
    where, what, instead = removed
    monkeypatch.setattr(where, what, instead)

    accepted, _statuses = tried(BY_NAME[name], house, settings)

    assert accepted
