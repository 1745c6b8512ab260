"""The open console judged as every page is, by axe-core and by geometry: on a desk and on a phone, menus open."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.consoles.conftest import House
from tests.consoles.page.conftest import Site
from tests.consoles.page.hands import opened
from tests.figures import figure
from tests.pages.axe import violations
from tests.pages.geometry import flaws
from tests.pages.window import DESKTOP, PHONE, Window

pytestmark = [pytest.mark.browser]


def states(page: Page, house: House) -> Iterator[str]:
    """Brings the page into one state after the other; yields each state's name."""
    names = ["open", "Keys", "View", "no clipboard", "copied", "clipboard"]
    for name in names:
        if name in ("Keys", "View"):
            page.locator(".console summary", has_text=name).click()
        elif name == "no clipboard":
            page.locator(".console summary", has_text="Keys").click()
            page.click("[data-clip-open]")
        elif name == "copied":
            page.keyboard.press("Escape")
            house.cluster.control("POST", f"/guests/{house.vm.vmid}/clipboard", {"text": "something"})
            page.locator("[data-clip-notice]").wait_for()
        elif name == "clipboard":
            page.click("[data-clip-notice] [data-clip-do=show]")
        yield name


@pytest.mark.parametrize(
    ("size", "theme", "is_phone", "alone"), [(DESKTOP, "light", False, ""), (PHONE, "dark", True, "?alone=1")]
)
def test_the_open_console_has_no_flaw(
    house: House, site: Site, chromium: Browser, *, size: tuple[int, int], theme: str, is_phone: bool, alone: str
) -> None:
    found = []
    with Window(chromium, site.origin, house.cast.alice, size=size, theme=theme, is_phone=is_phone) as window:
        page = opened(window, house, alone)
        for name in states(page, house):
            found += [f"{name}: {line}" for line in [*violations(window), *flaws(window)]]
    figure("console", "look", size[0], theme, alone or "in the page", "flaws", len(found))
    assert found == []
