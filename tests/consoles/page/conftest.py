"""The console's page in Chromium, in front of a real portal and behind a cable that can be pulled."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser

from tests.cast import make_cast
from tests.consoles.conftest import House
from tests.consoles.page.cable import Cable
from tests.consoles.page.screen import Screen
from tests.consoles.portal import Portal, cookie_of, running_guest, serving
from tests.devcluster.cluster import DevCluster
from tests.factories import make_reading
from tests.pages.conftest import launched
from tests.pages.window import Window

SERVED = "tests.consoles.served:application"
#: As they are by default; the other tests of consoles have wider ones.
SEATS: dict[str, Any] = {"CONSOLE_MAX_PER_PERSON": 6, "CONSOLE_MAX_PER_NODE": 40, "CONSOLE_MAX_SAME_VM": 1}
#: What a browser and htmx note when the network is gone.
BROKEN_OFF = ("WebSocket connection to", "htmx:afterRequest", "htmx:sendError")


@dataclass
class Site:
    """A portal, and the cable that leads to it; browsers know the cable's address only."""

    portal: Portal
    cable: Cable

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.cable.port}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Closed at the end of each file: while it runs, no other event loop can."""
    with launched("novnc/core/rfb.js") as browser:
        yield browser


@pytest.fixture(scope="session")
def site(
    django_db_setup: None, running_devcluster: DevCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """One for all files here."""
    cable, folder = Cable(), tmp_path_factory.mktemp("site")
    with serving(running_devcluster, folder, SERVED, SITE_URL=f"http://127.0.0.1:{cable.port}", **SEATS) as portal:
        cable.portal_port = portal.port
        yield Site(portal, cable)
    cable.close()


@pytest.fixture(scope="module")
def strict_site(
    django_db_setup: None, running_devcluster: DevCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """One whose clocks are short: a control is idle after 3 s, a console over after 6 s, each warned 2 s before."""
    cable, folder = Cable(), tmp_path_factory.mktemp("strict")
    clocks = {"IDLE_S": 3, "MAX_S": 6, "WARN_S": 2, "PAUSED_S": 2, "HEARTBEAT_S": 1}
    short: dict[str, Any] = {f"CONSOLE_{name}": seconds for name, seconds in clocks.items()}
    origin = f"http://127.0.0.1:{cable.port}"
    with serving(running_devcluster, folder, SERVED, SITE_URL=origin, **short, **SEATS) as portal:
        cable.portal_port = portal.port
        yield Site(portal, cable)
    cable.close()


@pytest.fixture
def house(transactional_db: None, site: Site, devcluster: DevCluster) -> House:
    """Alice's running machine behind that portal."""
    cast = make_cast()
    make_reading()
    vm = running_guest(devcluster, cast.alices, last_seen=timezone.now())
    return House(site.portal, devcluster, cast, vm, cookie_of(cast.alice))


@pytest.fixture
def window(house: House, site: Site, chromium: Browser) -> Iterator[Window]:
    """Alice's browser; nothing in it may complain, the content security policy included."""
    with Window(chromium, site.origin, house.cast.alice) as window:
        yield window
        assert [line for line in window.complaints if not line.startswith(BROKEN_OFF)] == []


@pytest.fixture
def screen(window: Window, house: House) -> Screen:
    """Alice's console, not opened yet; the page's clock can be moved."""
    return Screen(window, house)
