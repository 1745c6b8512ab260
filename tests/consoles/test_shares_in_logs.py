"""The reference of a link stands in its address, and in no log: ours, the web server's, the proxy's."""

import io
import logging

import httpx
import pytest
from daphne.access import AccessLogGenerator
from django.test import Client

from tests.cast import Cast
from tests.children import free_port
from tests.deploy.composed import nginx_places
from tests.servers import NginxServer
from vmportal.access_log import without_queries
from vmportal.logs import BlankSecrets, blank

PATHS = ["/consoles/shared/canary/", "/renew/canary/", "/accounts/login/?next=%2Fconsoles%2Fshared%2Fcanary%2F"]


@pytest.mark.parametrize("path", PATHS)
def test_log_lines_and_the_access_log_leave_it_out(path: str) -> None:
    without_queries()
    stream = io.StringIO()
    details = {"client": "127.0.0.1", "method": "GET", "status": 404, "size": 0, "path": path}

    AccessLogGenerator(stream)("http", "complete", details)

    assert "canary" not in blank(f"Not Found: {path}") + stream.getvalue()
    assert '"GET /' in stream.getvalue()


def test_a_machine_that_is_renewed_keeps_its_address_in_the_log() -> None:
    assert blank('"POST /vms/7/renew/" 302') == '"POST /vms/7/renew/" 302'


def test_a_link_that_is_over_is_logged_without_it(cast: Cast, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.force_login(cast.bob)
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(BlankSecrets())

    assert client.get("/consoles/shared/canary/").status_code == 404

    assert "Not Found" in caplog.text
    assert "canary" not in caplog.text


def test_the_proxy_writes_the_address_without_it() -> None:
    """Its pages are not there, so that it has something to say in its error log as well."""
    port, nobody = free_port(), free_port()
    with NginxServer(nginx_places(port, {"web": nobody, "consoles": nobody}), port=port) as server:
        asked = [*PATHS[:2], "//consoles/shared/canary", "/consoles/%73hared/canary/", "/vms/7/renew/"]
        statuses = {httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False).status_code for path in asked}
        access, errors = ((server.folder / f"{name}.log").read_text() for name in ("access", "error"))

    assert statuses == {502}
    assert access.count("[hidden]") == 4
    assert "/vms/7/renew/" in access
    assert "/vms/7/renew/" in errors
    assert "canary" not in access + errors + server.tail(200)
