"""The clipboard of a Linux that really runs: each way by a click, and without one not for the guest that asks.

Its agent is greedy: it asks as soon as the console has something, and whenever it is told to.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from accounts.models import PoolMembership
from accounts.roles import Role
from tests.cast import make_cast
from tests.consoles.conftest import House
from tests.consoles.portal import Portal, cookie_of, guest_row, serving
from tests.consoles.test_in_a_browser import chromium, opened, wait_for
from tests.consoles.test_real_typing import Guest
from tests.devcluster.cluster import DevCluster
from tests.devcluster.test_qemu import real_cluster
from tests.factories import make_reading
from tests.figures import figure
from tests.pages.window import Window

__all__ = ["chromium"]
pytestmark = [pytest.mark.browser, pytest.mark.qemu, pytest.mark.slow]

COPIED = "Grüße aus der Maschine"
GIVEN = "größer als 日本, straße"
MINE = "the member's own secret"
SOON_MS = 15_000
#: Guards of the page, and what stands there once they are gone.
NO_CLICK = (
    "this.offer(this.host.hasClipboard());",
    "rfb.addEventListener('connect', async () => rfb.clipboardPasteFrom(await navigator.clipboard.readText()));",
)
NO_VIEW_ONLY = ("this.rfb.viewOnly = viewOnly;", "")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevCluster]:
    """A cluster whose guests really run."""
    with real_cluster(tmp_path_factory.mktemp("clipboard")) as running:
        yield running


@pytest.fixture(scope="module")
def site(django_db_setup: None, real: DevCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal with its static files."""
    with serving(real, tmp_path_factory.mktemp("site"), "tests.consoles.served:application") as running:
        yield running


@pytest.fixture(scope="module")
def linux(real: DevCluster) -> dict[str, object]:
    """A small Linux whose display has a clipboard; the tests below use it one after the other."""
    config = {"vga": "std,clipboard=vnc"}
    return real.guest(name="web-01", pool="alice", status="running", memory_mib=256, disk_gib=1, config=config)


@pytest.fixture
def house(transactional_db: None, site: Portal, real: DevCluster, linux: dict[str, object]) -> House:
    """Alice's, in front of that portal."""
    cast = make_cast()
    make_reading()
    vm = guest_row(linux, cast.alices, hardware={"has_clipboard": True, "has_clipboard_now": True})
    return House(site, real, cast, vm, cookie_of(cast.alice))


@pytest.fixture
def window(house: House, chromium: Browser) -> Iterator[Window]:
    """Alice's browser; it lets any script use the clipboard."""
    with Window(chromium, house.portal.origin, house.cast.alice) as window:
        window.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=house.portal.origin)
        yield window
        assert window.complaints == []


def at_the_guest(window: Window, house: House) -> Guest:
    """Signed in at its prompt, with a secret in the member's own clipboard."""
    guest = Guest(house, opened(window, house))
    guest.page.evaluate("(text) => navigator.clipboard.writeText(text)", MINE)
    if "root is signed in" not in guest.said():
        guest.sign_in()
        guest.awaits("clipboard: ready")
    return guest


def held(page: Page) -> str:
    """What the browser's clipboard holds."""
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def give(page: Page, text: str) -> None:
    """Into the field, and the click."""
    page.locator("summary", has_text="Keys").click()
    page.click("[data-clip-open]")
    page.fill("[data-clip-to]", text)
    page.click("[data-clip-give]")


def copy(guest: Guest, text: str) -> None:
    """By a program of the guest's; umlauts as its shell writes them, whatever keyboard it believes in."""
    escaped = "".join(chr(byte) if byte < 128 else f"\\{byte:03o}" for byte in text.encode())
    before = guest.said().count("clipboard: copied")
    guest.type(f"printf '{escaped}' | clipboard copy\n")
    wait_for(lambda: guest.said().count("clipboard: copied") > before, guest.page)


def without(page: Page, script: str, guard: tuple[str, str]) -> None:
    """The page gets this script with the guard taken away."""

    def answer(route: Route) -> None:
        body = route.fetch().text()
        assert body.count(guard[0]) == 1
        route.fulfill(body=body.replace(*guard), content_type="text/javascript")

    page.route(re.compile(rf"/js/{script}[.\w]*\.js$"), answer)


def test_what_the_guest_copied_stays_there_until_a_click(window: Window, house: House) -> None:
    guest = at_the_guest(window, house)
    copy(guest, COPIED)
    expect(guest.page.locator("[data-clip-notice]")).to_be_visible(timeout=SOON_MS)
    assert (held(guest.page), COPIED in guest.page.content()) == (MINE, False)

    guest.page.click("[data-clip-notice] [data-clip-do=copy]")

    expect(guest.page.locator("[data-clip-notice]")).to_be_hidden()
    assert held(guest.page) == COPIED


def test_the_guest_gets_what_is_given_and_nothing_by_asking(window: Window, house: House) -> None:
    guest = at_the_guest(window, house)
    guest.type("clipboard ask\n")
    guest.awaits("clipboard: received []")

    give(guest.page, GIVEN)
    guest.awaits(f"clipboard: received [{GIVEN}]")
    guest.type("clipboard ask\n")
    wait_for(lambda: guest.said().count(f"clipboard: received [{GIVEN}]") == 2, guest.page)

    told = guest.said()
    asked, found = told.count("clipboard: asked") + told.count("clipboard: offered"), told.count(MINE)
    figure("clipboard", "asked for by a real guest", asked, "received of what nobody gave", found)
    assert (asked, found) == (3, 0)


@pytest.mark.parametrize(("role", "passes"), [(Role.VIEWER, False), (Role.OPERATOR, True)], ids=["looks", "controls"])
def test_who_only_looks_gives_nothing_and_gets_nothing(
    window: Window, house: House, chromium: Browser, role: Role, *, passes: bool
) -> None:
    """Bob's own page does not hold him back: what does is the proxy."""
    PoolMembership.objects.create(pool=house.cast.alices, user=house.cast.bob, role=role)
    guest, his = at_the_guest(window, house), f"from bob, {role}"
    with Window(chromium, house.portal.origin, house.cast.bob) as other:
        without(other.page, "console", NO_VIEW_ONLY)
        bob = opened(other, house)

        give(bob, his)
        if passes:
            guest.awaits(f"received [{his}]")
        copy(guest, "for alice")
        guest.page.click("[data-clip-notice] [data-clip-do=dismiss]")
        give(guest.page, f"from alice after bob, {role}")
        guest.awaits(f"received [from alice after bob, {role}]")

        assert bob.locator("[data-clip-notice]").is_visible() == passes
    assert (f"received [{his}]" in guest.said()) == passes


def test_without_the_click_the_guest_gets_what_the_member_has(window: Window, house: House) -> None:
    """The control: a page that hands the clipboard over by itself."""
    at_the_guest(window, house)
    without(window.page, "clipboard", NO_CLICK)

    guest = Guest(house, opened(window, house))

    guest.awaits(f"clipboard: received [{MINE}]", SOON_MS / 1000)
