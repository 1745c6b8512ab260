"""The console's page in Chromium: it opens by itself, types, comes back, waits for a stopped machine, says its end."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from consoles import close_codes
from tests.cast import make_cast
from tests.consoles.conftest import House
from tests.consoles.portal import Portal, cookie_of, running_guest, serving
from tests.devcluster.cluster import DevCluster
from tests.factories import make_reading
from tests.pages.conftest import launched
from tests.pages.window import Window
from vms.models import VirtualMachine
from vms.states import Power

pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Closed at the end of this file: while it runs, no other event loop can."""
    with launched("novnc/core/rfb.js") as browser:
        yield browser


@pytest.fixture(scope="module")
def site(
    django_db_setup: None, running_devcluster: DevCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Portal]:
    """A portal with its static files."""
    folder: Path = tmp_path_factory.mktemp("site")
    with serving(running_devcluster, folder, "tests.consoles.served:application") as running:
        yield running


@pytest.fixture
def house(transactional_db: None, site: Portal, devcluster: DevCluster) -> House:
    """Alice's running machine behind that portal."""
    cast = make_cast()
    make_reading()
    vm = running_guest(devcluster, cast.alices, last_seen=timezone.now())
    return House(site, devcluster, cast, vm, cookie_of(cast.alice))


@pytest.fixture
def window(house: House, chromium: Browser) -> Iterator[Window]:
    """Alice's browser; nothing in it may complain, the content security policy included."""
    with Window(chromium, house.portal.origin, house.cast.alice) as window:
        yield window
        assert window.complaints == []


def opened(window: Window, house: House) -> Page:
    page = window.open(f"/vms/{house.vm.pk}/console/")
    expect(page.locator("[data-console-state]")).to_have_text("Connected", timeout=15_000)
    return page


def wait_for(condition: Callable[[], object], page: Page) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def test_the_console_opens_by_itself_and_what_is_typed_reaches_the_machine(window: Window, house: House) -> None:
    page = opened(window, house)

    page.locator("[data-console-screen] canvas").click()
    page.keyboard.type("Hello, 42!")
    page.keyboard.press("Enter")

    serial = f"/guests/{house.vm.vmid}/serial"
    wait_for(lambda: "typed: Hello, 42!" in house.cluster.control("GET", serial)["text"], page)


def test_the_keyboard_gets_out_of_the_screen_by_three_keys(window: Window, house: House) -> None:
    page = opened(window, house)
    page.locator("[data-console-screen] canvas").click()

    for key in ("Control", "Alt", "Shift"):
        page.keyboard.down(key)

    expect(page.locator("[data-key=ctrl-alt-del]").first).to_be_focused()


def test_ctrl_alt_del_is_sent(window: Window, house: House) -> None:
    page = opened(window, house)

    page.click("[data-key=ctrl-alt-del]")

    keys = f"/guests/{house.vm.vmid}/keys"
    wait_for(lambda: 0xFFFF in [event["keysym"] for event in house.cluster.control("GET", keys)], page)


def test_a_broken_stream_comes_back_by_itself_with_a_new_grant(window: Window, house: House) -> None:
    page = opened(window, house)

    with house.cluster.fault("drop_stream", vmid=house.vm.vmid):
        expect(page.locator("[data-console-title]")).to_have_text("Connection lost", timeout=10_000)
        expect(page.locator("[data-console-text]")).to_contain_text(close_codes.NODE_ENDED.sentence)
        expect(page.locator("[data-console-count]")).to_contain_text("Next try in")

    expect(page.locator("[data-console-state]")).to_have_text("Connected", timeout=15_000)


def test_a_stopped_machine_is_offered_to_be_started_and_attached_when_it_runs(window: Window, house: House) -> None:
    rows = VirtualMachine.objects.filter(pk=house.vm.pk)
    rows.update(power=Power.STOPPED)
    page = window.open(f"/vms/{house.vm.pk}/console/")
    expect(page.locator("[data-console-title]")).to_have_text("web-01 is stopped")
    expect(page.locator("[data-console-start] button")).to_have_text("Start web-01")

    rows.update(power=Power.RUNNING)

    expect(page.locator("[data-console-state]")).to_have_text("Connected", timeout=15_000)


def test_a_lost_right_is_told_and_not_retried(window: Window, house: House) -> None:
    page = opened(window, house)

    User.objects.filter(pk=house.cast.alice.pk).update(is_active=False)

    expect(page.locator("[data-console-text]")).to_have_text(close_codes.SIGNED_OUT.sentence, timeout=5_000)
    expect(page.locator("[data-console-title]")).to_have_text("The console is closed")
