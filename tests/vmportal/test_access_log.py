"""Daphne's access log holds no query: the code of a sign-in travels in one."""

import io

from daphne.access import AccessLogGenerator

from vmportal.access_log import without_queries

DETAILS = {"client": "127.0.0.1", "method": "GET", "status": 302, "size": 0}


def test_the_way_back_from_the_house_is_logged_without_its_code() -> None:
    without_queries()
    stream = io.StringIO()

    path = "/accounts/house/callback/?code=canary&state=canary"
    AccessLogGenerator(stream)("http", "complete", {**DETAILS, "path": path})

    assert '"GET /accounts/house/callback/" 302' in stream.getvalue()
    assert "canary" not in stream.getvalue()
