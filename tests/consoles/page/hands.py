"""What a person's hands do at the console's page, and what of it reached the machine."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.consoles.conftest import House
from tests.pages.window import Window

CANVAS = "[data-console-screen] canvas"
OPEN_MS, DEADLINE_S = 15_000, 10


def opened(window: Window, house: House, query: str = "") -> Page:
    """The console's page with the screen there."""
    page = window.open(f"/vms/{house.vm.pk}/console/{query}")
    expect(page.locator("[data-console-state]")).to_have_text("Connected", timeout=OPEN_MS)
    return page


def wait_for(condition: Callable[[], object], page: Page) -> None:
    """Returns as soon as it holds, the page living on; fails after ten seconds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def events(house: House, kind: str = "key") -> list[dict[str, Any]]:
    """Keys, pointer moves or clipboards, as the machine got them."""
    found = house.cluster.control("GET", f"/guests/{house.vm.vmid}/keys")
    return [event for event in found if event["kind"] == kind]


def arrived(house: House) -> list[tuple[int, bool]]:
    """Keys: keysym, and whether it went down."""
    return [(event["keysym"], event["down"]) for event in events(house)]


def stuck(house: House) -> set[int]:
    """Keys that are down in the machine now."""
    down: set[int] = set()
    for keysym, is_down in arrived(house):
        (down.add if is_down else down.discard)(keysym)
    return down


def pressed(*keysyms: int) -> list[tuple[int, bool]]:
    """These keys together, let go in reverse."""
    return [(keysym, True) for keysym in keysyms] + [(keysym, False) for keysym in reversed(keysyms)]
