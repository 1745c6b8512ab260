"""R-34 in a real browser: a page on another port, in the browser of somebody signed in, gets no grant and no socket.

Cookies know no ports: what the page sends carries alice's session, and SameSite does not help.
"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page

from consoles.models import ConsoleGrant, ConsoleVisit
from tests.children import free_port
from tests.consoles.conftest import House
from tests.consoles.test_in_a_browser import chromium, house, site, wait_for
from tests.figures import figure
from tests.pages.window import Window

__all__ = ["chromium", "house", "site"]
pytestmark = [pytest.mark.browser]

SOCKET = """([url, words]) => new Promise((done) => {
  const socket = new WebSocket(url, words);
  socket.onopen = () => { window.kept = socket; done("open"); };
  socket.onerror = () => done("refused");
})"""
POST = """async ([url, mode]) => {
  const options = { method: "POST", credentials: "include", mode, headers: { "Content-Type": "text/plain" } };
  try { const answer = await fetch(url, options); return `${answer.type} ${answer.status}`; } catch { return "failed"; }
}"""
FORM = """(url) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action: url, target: "_blank" });
  document.body.append(form);
  form.submit();
}"""


class Evil(BaseHTTPRequestHandler):
    """An empty page."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>evil</title><body>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def evil() -> Iterator[str]:
    """The address of the foreign page."""
    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Evil)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def tries_socket(page: Page, house: House) -> str:
    """With a grant that is good for this browser's session, as if it had been stolen."""
    url = f"{house.portal.origin.replace('http', 'ws')}{house.path}"
    cookie = next(one["value"] for one in page.context.cookies() if one["name"] == settings.SESSION_COOKIE_NAME)
    return str(page.evaluate(SOCKET, [url, ["vmportal.v1", f"grant.{house.grant(cookie=cookie)}"]]))


def test_a_foreign_page_gets_neither_a_grant_nor_a_socket_and_ours_does(
    house: House, chromium: Browser, evil: str
) -> None:
    grant_url = f"{house.portal.origin}/vms/{house.vm.pk}/console/grant"
    with Window(chromium, house.portal.origin, house.cast.alice) as window:
        page = window.page
        page.goto(evil)
        sockets = [tries_socket(page, house) for _ in range(3)]
        stolen = ConsoleGrant.objects.count()
        posts = [page.evaluate(POST, [grant_url, mode]) for mode in ("no-cors", "cors")]
        with page.context.expect_page() as opened:
            page.evaluate(FORM, grant_url)
        opened.value.wait_for_load_state()
        granted, visits = ConsoleGrant.objects.count() - stolen, ConsoleVisit.objects.count()

        page.goto(f"{house.portal.origin}/vms/{house.vm.pk}/")
        ours = tries_socket(page, house)
        wait_for(lambda: ConsoleVisit.objects.count() == 1, page)

    figure("R-34", "foreign page", "sockets", len(sockets), "posts", len(posts) + 1, "grants", granted,
           "visits", visits, "our page", ours)  # fmt: skip
    assert (sockets, granted, visits, ours) == (["refused"] * 3, 0, 0, "open")
    assert posts == ["opaque 0", "failed"]
