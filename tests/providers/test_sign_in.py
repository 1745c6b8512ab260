"""A member and an RTP sign in through a real house in a real browser, and out again."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser

from accounts.models import User
from tests.figures import figure, scaled
from tests.providers.browser import HouseWindow
from tests.providers.conftest import House
from tests.providers.oidc_provider import CALLBACK, OidcProvider
from tests.providers.people import ALICE, RITA, HouseAccount

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.timeout(scaled(900, 7200)),
]


@dataclass(frozen=True)
class Visit:
    """What a person found: the status of the RTPs' page, of the first page after signing out, and complaints."""

    rtp_page: int
    afterwards: int
    is_asked_again: bool
    complaints: list[str]


def visit(window: HouseWindow, house: House, account: HouseAccount) -> Visit:
    """In by the button, a look round, and out; then the house does not know the browser any more."""
    window.context.clear_cookies()
    window.complaints.clear()
    page = window.sign_in_by_house(account, house.fill)
    assert account.uid in page.content()
    rtp_page = window.status("/rtp/people/")
    window.sign_out(house.confirm)
    return Visit(rtp_page, window.status("/"), window.is_asked_again(), list(window.complaints))


def test_a_member_and_an_rtp_come_in_by_the_house_and_go_out_again(
    members: None, house: House, chromium: Browser
) -> None:
    rounds = scaled(3, 20)
    with HouseWindow(chromium, house.site, house.issuer) as window:
        visits = [(visit(window, house, ALICE), visit(window, house, RITA)) for _ in range(rounds)]

    assert visits == [(Visit(403, 302, True, []), Visit(200, 302, True, []))] * rounds
    alice = User.objects.get(username="alice")
    assert (alice.oidc_iss, alice.ldap_uid) == (house.issuer, "alice")
    assert alice.has_usable_password() is False
    figure("S-01", house.name, "sign-ins as-member", rounds, "as-RTP", rounds, "and-out", 2 * rounds)


def test_an_rtp_proves_herself_at_the_house_and_the_form_she_sent_is_kept(
    members: None, house: House, chromium: Browser
) -> None:
    bob = User.objects.get(username="bob")
    with HouseWindow(chromium, house.site, house.issuer) as window:
        page = window.sign_in_by_house(RITA, house.fill)
        page.goto(f"{house.site}/rtp/people/{bob.pk}/")
        page.fill("form[action$='/lock/'] [name=reason]", "left his key in the door")
        page.click("form[action$='/lock/'] button")
        assert page.locator("h1").inner_text() == "Is it you?"
        page.click("form[action$='/accounts/proof/house/'] button")
        page.wait_for_url(house.issuer + "/**")
        house.prove(page, RITA)
        page.wait_for_url(house.site + "/accounts/proof/**")
        assert User.objects.get(username="bob").locked_at is None
        page.click("main form .btn-primary")
        page.wait_for_url(f"{house.site}/rtp/people/{bob.pk}/**")
        assert window.complaints == []

    assert User.objects.get(username="bob").lock_reason == "left his key in the door"


@pytest.mark.parametrize("house", ["oidc-provider"], indirect=True)
def test_a_house_that_rotates_its_keys_still_signs_in_and_then_signs_out_from_afar(
    members: None, house: House, chromium: Browser
) -> None:
    provider = house.provider
    assert isinstance(provider, OidcProvider)
    with HouseWindow(chromium, house.site, house.issuer) as window:
        provider.rotate(keep_old=False)
        window.sign_in_by_house(ALICE, house.fill)
        before = window.status("/")
        tokens = provider.log_out("alice")
        after = window.status("/")

    assert (before, len(tokens), after) == (200, 1, 302)


@pytest.mark.parametrize("house", ["canaille"], indirect=True)
def test_canaille_says_who_rita_is_and_the_groups_of_the_directory(house: House) -> None:
    provider, back = house.provider, house.site + CALLBACK
    asked = {
        "client_id": provider.client_id, "response_type": "code", "scope": "openid profile email groups",
        "redirect_uri": back, "state": "st", "nonce": "no",
        "code_challenge": "v" * 43, "code_challenge_method": "plain",
    }  # fmt: skip
    with httpx.Client(base_url=house.issuer, trust_env=False, timeout=30) as browser:
        page = fill(browser, follow(browser, f"/oauth/authorize?{urlencode(asked)}", back), back, login="rita")
        left = fill(browser, page, back, password=RITA.password)
        form = {
            "grant_type": "authorization_code", "code": parse_qs(urlsplit(left.headers["location"]).query)["code"][0],
            "redirect_uri": back, "code_verifier": "v" * 43, "client_id": provider.client_id,
            "client_secret": provider.client_secret,
        }  # fmt: skip
        token = browser.post("/oauth/token", data=form).json()["access_token"]
        said = browser.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).json()

    assert (said["sub"], said["preferred_username"], said["email"]) == ("rita", "rita", "rita@house.example")
    assert sorted(said["groups"]) == ["active", "rtp"]


def follow(browser: httpx.Client, url: str, back: str) -> httpx.Response:
    """Through the redirects inside the house."""
    answer = browser.get(urljoin(str(browser.base_url), url))
    while answer.has_redirect_location and not answer.headers["location"].startswith(back):
        answer = browser.get(urljoin(str(answer.url), answer.headers["location"]))
    return answer


def fill(browser: httpx.Client, page: httpx.Response, back: str, **form: str) -> httpx.Response:
    """Sends the page's form."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token, page.text
    sent = browser.post(page.url, data={**form, "csrf_token": token[1]})
    location = sent.headers.get("location", back)
    return sent if location.startswith(back) else follow(browser, location, back)
