"""U-11: ends that a network, a node, a database or a portal brings about, each by its true cause, told on the page."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import expect

from consoles import close_codes
from consoles.close_codes import End
from consoles.models import ConsoleGrant, ConsoleVisit
from devcluster.websocket import frame
from tests.consoles.page.between import Between
from tests.consoles.page.conftest import SEATS, SERVED, Site
from tests.consoles.page.hands import wait_for
from tests.consoles.page.screen import OPEN_MS, Screen
from tests.consoles.page.test_endings import told
from tests.consoles.portal import Portal, serving
from tests.devcluster.cluster import DevCluster
from tests.figures import add_to_figure

pytestmark = [pytest.mark.browser]
BACK_S = 5.0
#: A browser that is behind for a second is too slow; one that leaves a ping unanswered for three has vanished.
QUICK: dict[str, Any] = {
    "CONSOLE_PAUSED_S": 1, "CONSOLE_HEARTBEAT_S": 1, "CONSOLE_UPGRADE_S": 3, "CONSOLE_HANDSHAKE_S": 5,
}  # fmt: skip
PING_S = (1, 3)
#: What a line brings in a second that leaves the portal behind with a picture of a megabyte.
NARROW = 100_000


@pytest.fixture(scope="module")
def between(running_devcluster: DevCluster) -> Iterator[Between]:
    """Every node of the cluster, for this file's portal."""
    with Between.running(running_devcluster) as node:
        yield node


@pytest.fixture(scope="module")
def quick(
    site: Site, between: Between, running_devcluster: DevCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Portal]:
    """A portal of little patience; the last test of this file ends it."""
    nodes = ",".join(f"pve{number}=127.0.0.1:{between.port}" for number in (1, 2, 3))
    known: dict[str, Any] = {"SITE_URL": site.origin, "PROXMOX_NODE_HOSTS": nodes, **QUICK, **SEATS}
    with serving(running_devcluster, tmp_path_factory.mktemp("quick"), SERVED, ping_s=PING_S, **known) as portal:
        yield portal


@pytest.fixture
def screen(quick: Portal, site: Site, screen: Screen) -> Iterator[Screen]:
    """Alice's console at that portal, behind the same cable."""
    site.cable.portal_port = quick.port
    yield screen
    site.cable.portal_port = site.portal.port
    # What noVNC notes when it gives up, or when its socket ends before the screen is there.
    noted = ("Failed while connected", "Failed when", "Tried changing state of a disconnected")
    screen.window.complaints[:] = [line for line in screen.window.complaints if not line.startswith(noted)]


def newest() -> ConsoleVisit:
    return ConsoleVisit.objects.latest("pk")


def ended(screen: Screen, end: End) -> None:
    """Waits until the newest row has an end, which is this one."""
    wait_for(lambda: newest().end, screen.page)
    assert newest().end == end.word


def comes_back(screen: Screen, grants: int, *, is_greyed: bool = True) -> None:
    """Without a click, by another grant than the `grants` asked for so far; the last picture stands there until then.

    The page's clock is moved, so the wait costs nothing.
    """
    assert (screen.colours() > 1) == is_greyed
    screen.offers("Reconnect now")
    screen.back_within_s(BACK_S)
    expect(screen.part("kept")).to_be_hidden(timeout=OPEN_MS)
    assert ConsoleGrant.objects.filter(spent_at=None).count() == 0
    assert ConsoleGrant.objects.count() > grants
    add_to_figure("U-11 endings", real=1)


def opens_by_its_button(screen: Screen) -> None:
    """What is no use to try again by itself."""
    screen.offers("Open again")
    screen.pass_time(60)
    assert newest().end
    screen.page.click("text=Open again")
    screen.is_now("Connected")
    add_to_figure("U-11 endings", real=1)


def test_a_line_that_is_too_slow_for_the_screen(screen: Screen, site: Site) -> None:
    screen.open().page.click("[data-console-do=leave] >> visible=true")

    with site.cable.narrow(NARROW):
        screen.page.click("text=Open again")
        screen.says(close_codes.TOO_SLOW.sentence)

    ended(screen, close_codes.TOO_SLOW)
    opens_by_its_button(screen)


def test_a_line_that_swallows_everything(screen: Screen, site: Site) -> None:
    screen.open().painted()

    with site.cable.frozen():
        ended(screen, close_codes.VANISHED)

    screen.says(told(close_codes.VANISHED))
    comes_back(screen, grants=1)


def test_a_node_that_ends_the_stream(screen: Screen) -> None:
    screen.open().painted()

    with screen.house.cluster.fault("drop_stream", vmid=screen.house.vm.vmid):
        screen.says(told(close_codes.NODE_ENDED))

    comes_back(screen, grants=1)


def test_others_who_open_it_at_the_same_moment(screen: Screen, between: Between) -> None:
    screen.open().painted()
    with between.rivals():
        with screen.house.cluster.fault("drop_stream", vmid=screen.house.vm.vmid):
            screen.says(told(close_codes.NODE_ENDED))
        screen.page.click("text=Reconnect now")
        screen.says(told(close_codes.BUSY))

    assert between.came_between == 4  # the first try and three more
    comes_back(screen, grants=2)


#: A frame that no node may send, which the portal sees, and a message that is in no version of RFB, which noVNC sees.
NOT_UNDERSTOOD = {"a masked frame": b"\x82\x81\0\0\0\0a", "a message of no kind": frame(b"\x99")}


@pytest.mark.parametrize("what", NOT_UNDERSTOOD)
def test_a_node_that_nobody_understands(screen: Screen, between: Between, what: str) -> None:
    with between.breaking(screen.house.vm.vmid or 0, NOT_UNDERSTOOD[what]):
        screen.visit().says(close_codes.NODE_BROKE.sentence)
        ended(screen, close_codes.NODE_BROKE)

    opens_by_its_button(screen)


def test_a_browser_that_nobody_understands(screen: Screen) -> None:
    screen.page.route_web_socket("**/ws/**", lambda socket: socket.connect_to_server().send("hello"))

    screen.visit().says(close_codes.BROWSER_BROKE.sentence)

    ended(screen, close_codes.BROWSER_BROKE)
    screen.offers("Open again")
    add_to_figure("U-11 endings", real=1)


def test_a_screen_that_ends_before_its_first_picture_keeps_the_one_before(
    screen: Screen, site: Site, between: Between
) -> None:
    screen.open().painted()
    with screen.house.cluster.fault("drop_stream", vmid=screen.house.vm.vmid):
        screen.says(told(close_codes.NODE_ENDED))
    with between.breaking(screen.house.vm.vmid or 0, b"", picture=b""):
        screen.page.click("text=Reconnect now")
        screen.is_now("Connected")
        assert screen.colours() > 1
        with site.cable.cut():
            screen.is_now("Connection lost")

    comes_back(screen, grants=2)


@contextmanager
def no_room_for_rows() -> Iterator[None]:
    """The database takes no visit, as one whose disk is full."""
    full = "CREATE TRIGGER full BEFORE INSERT ON consoles_consolevisit BEGIN SELECT RAISE(FAIL, 'disk is full'); END"
    with connection.cursor() as cursor:
        cursor.execute(full)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER full")


def test_a_database_that_takes_no_row(screen: Screen) -> None:
    screen.open().painted()
    with no_room_for_rows():
        with screen.house.cluster.fault("drop_stream", vmid=screen.house.vm.vmid):
            screen.says(told(close_codes.NODE_ENDED))
        screen.page.click("text=Reconnect now")
        screen.says(told(close_codes.FAILED))

    comes_back(screen, grants=2)


def test_a_portal_that_is_started_anew(screen: Screen, quick: Portal, site: Site) -> None:
    screen.open().painted()

    quick.process.terminate()

    screen.says(told(close_codes.RESTARTING))
    ended(screen, close_codes.RESTARTING)
    site.cable.portal_port = site.portal.port
    comes_back(screen, grants=1)
