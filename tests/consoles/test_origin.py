"""Whose page may open a socket: only ours, by the letter."""

import time

import pytest

from consoles.authority import origin_is_ours, token_of
from consoles.consumers import session_key_of
from tests.consoles.browser import Browser, Headers, Refused, headers
from tests.consoles.conftest import House
from tests.figures import figure


def foreign_origins(port: int) -> list[tuple[list[str], str]]:
    """Values of Origin headers (none, one, several) that are not the portal's own, and a lying Host header."""
    ours = f"http://127.0.0.1:{port}"
    single = [
        "null", "http://evil.example", "https://evil.example", f"http://evil.example:{port}", f"https://127.0.0.1:{port}",
        "http://127.0.0.1", f"http://127.0.0.1:{port + 1}", f"http://localhost:{port}", f"http://127.0.0.1:{port}.evil.example",
        f"{ours}@evil.example", f"http://evil.example/{ours}", f"http://evil.example?{ours}", f"http://evil.example#{ours}",
        f"HTTP://127.0.0.1:{port}", f"{ours}/", f"{ours}?", f"{ours}#", f"http://user@127.0.0.1:{port}", f"http://127.1:{port}",
        f"http://2130706433:{port}", f"http://0x7f000001:{port}", f"http://[::ffff:127.0.0.1]:{port}", f"ws://127.0.0.1:{port}",
        f"//127.0.0.1:{port}", f"127.0.0.1:{port}", "file://", "chrome-extension://abcdefgh", f"{ours}, http://evil.example",
        "*",
    ]  # fmt: skip
    several = [[], [ours, "http://evil.example"], ["http://evil.example", ours], [ours, ours]]
    lying = [(["http://evil.example"], "evil.example"), ([f"http://evil.example:{port}"], f"evil.example:{port}")]
    return [([one], "") for one in single] + [(some, "") for some in several] + lying


async def attempt(house: House, origins: list[str], host: str) -> bool:
    """Whether a socket with everything else right is accepted."""
    known = headers("", house.cookie, await house.new_grant())[1:]
    offered: Headers = [*(("Origin", origin) for origin in origins), *known]
    try:
        house.browsers.append(await Browser.open(house.portal.port, house.path, offered, host))
    except Refused as refused:
        # 400: Daphne itself does not take it for an origin.
        return refused.status not in {400, 403}
    return True


def test_no_foreign_page_opens_a_socket_and_ours_does(house: House) -> None:
    async def scenario() -> tuple[list[tuple[list[str], str]], bool]:
        wrong = [form for form in foreign_origins(house.portal.port) if await attempt(house, *form)]
        return wrong, await attempt(house, [house.portal.origin], "")

    wrong, ours = house.run(scenario())
    tried = len(foreign_origins(house.portal.port))

    figure("R-34", "origins", tried, "wrongly_accepted", len(wrong), "ours_accepted", int(ours))
    assert tried >= 25
    assert (wrong, ours) == ([], True)


@pytest.mark.parametrize(
    ("offered", "token"),
    [
        (["vmportal.v1", "grant.abc"], "abc"),
        (["grant.abc", "vmportal.v1"], "abc"),
        (["grant.abc"], ""),
        (["vmportal.v1"], ""),
        (["vmportal.v1", "grant.abc", "grant.def"], ""),
        (["vmportal.v1", "grant."], ""),
        ([], ""),
    ],
)
def test_the_grant_stands_beside_our_protocol_and_alone(offered: list[str], token: str) -> None:
    assert token_of(offered) == token


def test_the_allowed_origin_is_compared_to_the_letter() -> None:
    allowed = ["https://vms.example.org"]

    assert origin_is_ours([(b"Origin", b"https://vms.example.org")], allowed)
    assert not origin_is_ours([(b"origin", b"https://vms.example.org:443")], allowed)
    assert not origin_is_ours([(b"origin", b"https://vms.example.org")], [])


@pytest.mark.parametrize(
    "before",
    ["", 'other={"a":1}; ', "theme; =; ", "sessionid=older; ", 'a="' + '\\"' * 8000 + '"; '],
    ids=["alone", "JSON", "half a cookie", "two of them", "16 KiB of escapes"],
)
def test_the_session_is_found_beside_any_other_cookies_and_costs_nobody_time(before: str) -> None:
    began = time.process_time()

    key = session_key_of({"headers": [(b"cookie", f"{before}sessionid=abc; theme=light".encode())]})

    assert (key, time.process_time() - began < 0.1) == ("abc", True)
    assert session_key_of({"headers": [(b"cookie", b"xsessionid=abc; sessionid"), (b"host", b"sessionid=a")]}) == ""
