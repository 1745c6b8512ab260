"""Where a request came from, with and without proxies, and with a client that lies."""

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from accounts.addresses import address_of

PEER = "10.0.0.9"


@pytest.mark.parametrize(
    ("proxies", "header", "expected"),
    [
        (0, None, PEER),
        (0, "203.0.113.7", PEER),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7, 10.0.0.8", "203.0.113.7"),
        (2, "203.0.113.7", PEER),
        (1, "", PEER),
        (1, "<script>", ""),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_only_what_a_trusted_proxy_wrote_counts(
    proxies: int, header: str | None, expected: str, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {} if header is None else {"X-Forwarded-For": header}

    request = RequestFactory().get("/", REMOTE_ADDR=PEER, headers=headers)

    assert address_of(request) == expected
