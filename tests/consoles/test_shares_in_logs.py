"""The reference of a link stands in its address, and in no log: ours, the web server's, the proxy's."""

import io
import logging
import re

import httpx
import pytest
from daphne.access import AccessLogGenerator
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core import serializers
from django.test import Client
from django.utils import timezone

from accounts.models import User
from consoles.grants import hashed
from consoles.models import ConsoleShare
from tests.cast import Cast
from tests.children import free_port
from tests.consoles.conftest import House
from tests.consoles.portal import cookie_of
from tests.deploy.composed import nginx_places
from tests.figures import figure
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
        asked = [*PATHS, "//consoles/shared/canary", "/consoles/%73hared/canary/", "/vms/7/renew/", "/ws/console/7/"]
        site = f"http://127.0.0.1:{port}"
        page = {"Referer": f"{site}{PATHS[0]}"}  # as our own policy has it for what belongs to a page
        with httpx.Client(trust_env=False) as browser:
            statuses = {browser.get(site + at, headers={} if "/ws/" in at else page).status_code for at in asked}
        access, errors = ((server.folder / f"{name}.log").read_text() for name in ("access", "error"))

    assert statuses == {502}
    assert access.count("[hidden]") == 4
    assert '"GET /vms/7/renew/" 502' in access
    assert f"127.0.0.1:{nobody} 502 -" in access
    assert "/ws/console/7/" in errors
    assert "canary" not in access + errors + server.tail(200)


def browser_of(house: House, user: User) -> httpx.Client:
    """A browser of this person at the running portal."""
    cookies = {"sessionid": cookie_of(user)}
    return httpx.Client(base_url=house.portal.origin, cookies=cookies, trust_env=False, follow_redirects=True)


def sent(client: httpx.Client, path: str, **fields: object) -> httpx.Response:
    """The page's first form, sent as the page has it."""
    page = client.get(path).text
    hidden = dict(re.findall(r'name="(csrfmiddlewaretoken|key)" value="(\w+)"', page))
    return client.post(path, data={**hidden, **fields}, headers={"Origin": str(client.base_url).rstrip("/")})


@pytest.mark.parametrize("is_over", [False, True])
def test_the_reference_is_nowhere_but_in_its_link(house: House, is_over: bool) -> None:
    """Through the running portal: its log, every table, and the pages that maker and guest see afterwards."""
    at, log_before = f"/vms/{house.vm.pk}/", len(house.portal.log.read_text())
    with browser_of(house, house.cast.alice) as alice, browser_of(house, house.cast.bob) as bob:
        made = re.search(
            r"/consoles/shared/([\w-]{43})/", sent(alice, f"{at}console/share/", may="look", minutes=15).text
        )
        assert made is not None
        ConsoleShare.objects.update(revoked_at=timezone.now() if is_over else None)
        pages = [bob.get(made[0]), sent(bob, made[0]), alice.get(f"{at}console/share/"), alice.get(f"{at}activity/")]
    log, tables = house.portal.log.read_text()[log_before:], everything()

    places = [log, tables, *(page.text for page in pages)]
    found = [place for place in places if made[1] in place]
    figure("share", "canary", "over" if is_over else "used", "places", len(places), "found", len(found))
    assert (found, hashed(made[1]) in tables) == ([], True)
    assert [page.status_code for page in pages] == [404 if is_over else 200] * 2 + [200, 200]
    assert ("Not Found: /consoles/shared/[hidden]" in log) == is_over


def everything() -> str:
    """Every row there is, mails and what sessions hold included."""
    models = [model for model in apps.get_models() if model._meta.managed]
    rows = "".join(serializers.serialize("json", model._base_manager.all()) for model in models)
    return rows + str([session.get_decoded() for session in Session.objects.all()])
