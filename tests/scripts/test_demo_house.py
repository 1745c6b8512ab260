"""`make demo-house`: people sign in the way a house does, and nothing is left behind."""

import re
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from scripts import house_directory, house_sign_in
from tests.children import free_port, listens, need
from tests.providers.oidc_provider import lacking
from tests.scripts.test_demo import running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SIGN_IN = re.compile(r"^    (alice|bob|carol|rita|breakglass) +([a-z2-9-]{19})   ", re.MULTILINE)


def test_a_house_signs_its_people_in_and_leaves_nothing_behind(tmp_path: Path) -> None:
    need("slapd"), need("ldapadd")
    if not house_sign_in.PYTHON.exists():
        lacking("Canaille")

    with running(tmp_path / "demo", free_port(), "scripts.demo_house") as demo:
        portal, house = re.findall(r"http://[\d.]+:\d+", demo.text)
        signs = dict(SIGN_IN.findall(demo.text))
        alice, rita = (through_the_house(portal, house, name, signs[name]) for name in ("alice", "rita"))
        local = by_password(portal, "breakglass", signs["breakglass"])
        code = demo.interrupt()

    assert list(signs) == ["alice", "bob", "carol", "rita", "breakglass"]
    assert ("wiki" in alice["/"], "scoreboard" in alice["/"]) == (True, True)
    assert (alice["status of /rtp/people/"], rita["status of /rtp/people/"], local["status of /rtp/people/"]) == (
        "403", "200", "200")  # fmt: skip
    assert (code, demo.left_over(), listens(int(house.rsplit(":", 1)[1]))) == (0, [], False)


def test_the_directory_of_the_demo_lists_rita_alone_as_rtp() -> None:
    text = house_directory.entries(dict.fromkeys(house_directory.PEOPLE, "a password"), "another")

    groups = dict(
        re.findall(r"^dn: cn=(\w+),ou=groups.*\n(?:objectClass.*\n|cn: .*\n)+((?:member: .*\n)+)", text, re.MULTILINE)
    )
    assert groups["rtp"] == f"member: uid=rita,{house_directory.MEMBERS}\n"
    assert groups["active"].count("member: ") == 4
    assert "a password" not in text


def through_the_house(portal: str, house: str, name: str, password: str) -> dict[str, str]:
    """What somebody sees who signs in by the house's button, without scripts."""
    with httpx.Client(trust_env=False, timeout=60) as browser:
        page = browser.get(portal + "/accounts/login/")
        page = submit(browser, page, "/accounts/house/")
        assert str(page.url).startswith(house), page.text
        page = submit(browser, page, "", login=name)
        page = submit(browser, page, "", password=password)
        assert str(page.url).startswith(portal), page.text
        return seen(browser, portal)


def by_password(portal: str, name: str, password: str) -> dict[str, str]:
    """What somebody sees who signs in by the form below the button."""
    with httpx.Client(trust_env=False, timeout=60) as browser:
        page = browser.get(portal + "/accounts/login/")
        submit(browser, page, "/accounts/login/", login=name, password=password)
        return seen(browser, portal)


def seen(browser: httpx.Client, portal: str) -> dict[str, str]:
    """The first page, and whether the page for RTPs is there."""
    status = browser.get(portal + "/rtp/people/", follow_redirects=True).status_code
    return {"/": browser.get(portal + "/").text, "status of /rtp/people/": str(status)}


def submit(browser: httpx.Client, page: httpx.Response, action: str, **typed: str) -> httpx.Response:
    """Sends the form with this action (the page's own where none), and follows where that leads."""
    token = re.search(r'name="(csrf\w+)"[^>]*value="([^"]+)"', page.text)
    assert token, page.text
    target = urljoin(str(page.url), action) if action else str(page.url)
    headers = {"Referer": str(page.url)}
    return browser.post(target, data={**typed, token[1]: token[2]}, headers=headers, follow_redirects=True)
