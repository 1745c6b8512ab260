"""The honest house: who signs in there is who the directory says, with the directory's groups."""

import re
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx
import pytest

from tests.providers.canaille import Canaille, groups, person
from tests.providers.oidc_provider import CALLBACK
from tests.providers.people import HOUSE, RITA
from tests.slapd import SlapdServer

PORTAL = "http://127.0.0.1:9"
pytestmark = pytest.mark.slow


def test_rita_signs_in_over_the_directory_and_is_in_its_groups() -> None:
    people = [person(one) for one in HOUSE]
    with (
        SlapdServer(people=people, groups=groups(HOUSE), memberof=True) as slapd,
        Canaille(slapd, PORTAL) as house,
        httpx.Client(base_url=house.issuer, trust_env=False) as browser,
    ):
        asked = {"client_id": house.client_id, "response_type": "code", "scope": "openid profile email groups",
                 "redirect_uri": PORTAL + CALLBACK, "state": "st", "nonce": "no", "code_challenge": "v" * 43,
                 "code_challenge_method": "plain"}  # fmt: skip
        page = fill(browser, follow(browser, f"/oauth/authorize?{urlencode(asked)}"), login="rita")
        left = fill(browser, page, password=RITA.password)
        code = parse_qs(urlsplit(left.headers["location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": PORTAL + CALLBACK,
            "code_verifier": "v" * 43, "client_id": house.client_id, "client_secret": house.client_secret,
        }  # fmt: skip
        token = browser.post("/oauth/token", data=form).json()["access_token"]
        said = browser.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).json()

    assert (said["sub"], said["preferred_username"], said["email"]) == ("rita", "rita", "rita@house.example")
    assert sorted(said["groups"]) == ["active", "rtp"]


def follow(browser: httpx.Client, url: str) -> httpx.Response:
    """Through the redirects inside the house."""
    answer = browser.get(urljoin(str(browser.base_url), url))
    while answer.has_redirect_location and not answer.headers["location"].startswith(PORTAL):
        answer = browser.get(urljoin(str(answer.url), answer.headers["location"]))
    return answer


def fill(browser: httpx.Client, page: httpx.Response, **form: str) -> httpx.Response:
    """Sends the page's form."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token, page.text
    sent = browser.post(page.url, data={**form, "csrf_token": token[1]})
    return (
        sent if sent.headers.get("location", PORTAL).startswith(PORTAL) else follow(browser, sent.headers["location"])
    )
