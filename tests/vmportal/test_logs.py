"""No secret reaches a log line, and no input can forge one."""

import logging

import pytest

from vmportal.logs import BlankSecrets, PlainFormatter, blank

SECRET_LINES = [
    "Authorization: PVEAPIToken=portal@pve!portal=11111111-2222-3333-4444-canary000000",
    "GET /vncwebsocket?port=5900&vncticket=PVEVNC%3Acanary HTTP/1.1",
    "ticket PVEVNC:6730ABCD::canarycanarycanary+/==",
    '{"password": "canary", "port": 5900}',
    "Cookie: sessionid=canary; csrftoken=canary",
    "Sec-WebSocket-Protocol: vmportal.v1, grant.canary",
    "cipassword=canary",
    "GET /accounts/house/callback/?code=canary&state=canary HTTP/1.1",
    "POST logout_token=canary",
    "Authorization: Bearer canary",
]


@pytest.mark.parametrize("line", SECRET_LINES)
def test_secrets_are_blanked(line: str) -> None:
    assert "canary" not in blank(line)


def test_a_line_break_cannot_forge_a_second_line() -> None:
    record = logging.LogRecord("x", logging.INFO, "f", 1, "name: %s", ("a\n2026 INFO forged\x1b[31m",), None)
    BlankSecrets().filter(record)

    written = PlainFormatter("%(message)s").format(record)

    assert written == r"name: a\n2026 INFO forged\x1b[31m"


def test_plain_words_stay() -> None:
    assert blank("web-01 is running on pve1") == "web-01 is running on pve1"
