"""The house's provider is down, slow or hung: a sentence on the sign-in page, and nobody who is in is thrown out."""

import time
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from pytest_django import Settings

from accounts.alarms import open_alarms
from accounts.oidc import health
from accounts.oidc.callback import CONFIRMED
from accounts.oidc.health import house_sign_in_state
from tests.accounts.oidc.browser import Browser, member, why
from tests.figures import figure
from tests.providers.hostile import Answer, HostileProvider

PAGE = "/accounts/"
DISCOVERY = "/.well-known/openid-configuration"
FAULTS = ("hangs", "is gone", "says 500", "says HTML", "hangs at the token", "hangs at the keys", "hangs at user info",
          "has no such key", "says 503 at the token", "does not know us")  # fmt: skip


def break_it(house: HostileProvider, settings: Settings, fault: str) -> None:
    """One outage, as it hits people who are in."""
    settings.OIDC_TIMEOUT_S = 0.3
    hangs = {"hangs": DISCOVERY, "hangs at the token": "/token", "hangs at the keys": "/jwks",
             "hangs at user info": "/me"}  # fmt: skip
    answers = {
        "says 500": (DISCOVERY, Answer(500, "")), "says HTML": (DISCOVERY, Answer(200, "<p>", kind="text/html")),
        "says 503 at the token": ("/token", Answer(503, "")), "has no such key": ("/jwks", Answer(200, '{"keys":[]}')),
        "does not know us": ("/token", Answer(401, '{"error":"invalid_client"}')),
    }  # fmt: skip
    if fault in hangs:
        house.hangs.add(hangs[fault])
    elif fault in answers:
        house.answers.update([answers[fault]])
    else:
        house.down()


def test_no_outage_cuts_a_session(house: HostileProvider, settings: Settings) -> None:
    alice = member()
    cut, tried = [], 0
    for fault in FAULTS:
        browser = Browser(house)
        browser.sign_in()
        assert browser.user() == alice, fault
        break_it(house, settings, fault)
        browser.expire()
        answer = browser.open(PAGE)
        if answer.status_code == 302 and answer["Location"].startswith(house.issuer):
            answer = browser.open(browser.back(answer["Location"])["Location"])
        tried += 1
        if browser.user() != alice or answer.status_code != 200 or max(browser.statuses) >= 500:
            cut.append(fault)
        if fault == "is gone":
            house.up()
        house.calm()
        settings.OIDC_TIMEOUT_S = 4
        cache.clear()

    figure("R-25", "outages", tried, "sessions cut", len(cut))
    assert tried == len(FAULTS)
    assert cut == []


def test_nobody_is_sent_to_a_dead_host_and_the_button_says_so(house: HostileProvider, settings: Settings) -> None:
    house.hangs.add(DISCOVERY)
    settings.OIDC_TIMEOUT_S = 0.3
    browser = Browser(house)

    assert browser.start(next="/vms/new/") == "/accounts/login/?why=unavailable&next=%2Fvms%2Fnew%2F"

    page = browser.open("/accounts/login/?why=unavailable").content.decode()
    assert "does not answer" in page
    assert 'action="/accounts/house/"' not in page


def test_nobody_takes_the_button_away_by_what_they_write_into_the_address(
    house: HostileProvider, browser: Browser
) -> None:
    response = browser.open(house.refuse(browser.start(), "server_error"))

    assert why(response) == "unavailable"
    assert house_sign_in_state()[0] is True


def test_the_button_is_back_when_the_house_answers(house: HostileProvider, browser: Browser) -> None:
    health.note_down()
    assert house_sign_in_state()[0] is False

    health.watch()

    assert house_sign_in_state()[0] is True
    assert 'action="/accounts/house/"' in browser.open("/accounts/login/").content.decode()


def test_pages_ask_a_house_that_is_down_once_in_half_a_minute(house: HostileProvider, browser: Browser) -> None:
    member()
    browser.sign_in()
    house.answers[DISCOVERY] = Answer(500, "")
    house.seen.clear()

    for _ in range(3):
        browser.expire()
        assert browser.open(PAGE).status_code == 200

    assert house.seen == [DISCOVERY]


def test_a_hung_house_costs_a_page_its_time_out_and_no_more(
    house: HostileProvider, browser: Browser, settings: Settings
) -> None:
    member()
    browser.sign_in()
    house.hangs.add(DISCOVERY)
    settings.OIDC_TIMEOUT_S = 30
    browser.expire()

    began = time.monotonic()
    assert browser.open(PAGE).status_code == 200

    assert time.monotonic() - began < health.LONGEST_ASK_S + 3


def test_a_session_that_nobody_confirmed_for_its_whole_length_ends(
    house: HostileProvider, browser: Browser, settings: Settings
) -> None:
    member()
    browser.sign_in()
    health.note_down()
    browser.expire()
    session = browser.client.session
    session[CONFIRMED] = time.time() - settings.SESSION_COOKIE_AGE - 1
    session.save()

    assert why(browser.open(PAGE)) == "ended"


@pytest.mark.parametrize(("minutes", "alarms"), [(4, 0), (6, 1)])
def test_rtps_are_told_of_a_house_that_stays_down(house: HostileProvider, minutes: int, alarms: int) -> None:
    house.answers[DISCOVERY] = Answer(500, "")
    health.note_down()
    seen = cache.get(health._key())
    cache.set(health._key(), {**seen, "since": timezone.now() - timedelta(minutes=minutes)})

    health.watch()
    assert open_alarms().count() == alarms

    house.calm()
    health.watch()
    assert open_alarms().count() == 0


@pytest.mark.parametrize("headers", [False, True])
def test_an_answer_that_drips_is_cut_off(house: HostileProvider, settings: Settings, headers: bool) -> None:
    settings.OIDC_TIMEOUT_S = 0.4
    house.answers[DISCOVERY] = Answer(200, "x" * 400, drip_s=0.05, drips_headers=headers)

    began = time.monotonic()
    assert not health.ask()

    assert time.monotonic() - began < 5  # of the 20 s that it would take
