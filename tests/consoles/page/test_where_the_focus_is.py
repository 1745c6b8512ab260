"""Where the keyboard is when a screen goes, and what is said to who only looks."""

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import PoolMembership
from accounts.roles import Role
from consoles import close_codes
from tests.consoles.conftest import House
from tests.consoles.page.conftest import Site
from tests.consoles.page.hands import CANVAS
from tests.consoles.page.screen import Screen
from tests.consoles.page.test_endings import end_by_rita
from tests.pages.window import PHONE, Window
from vms.models import VirtualMachine

pytestmark = [pytest.mark.browser]
BOX = "[data-console-box]"


def focused(page: Page) -> str:
    """What has the focus: its words."""
    words: str = page.evaluate("document.activeElement.textContent.trim()")
    return words


def test_a_key_meant_for_a_screen_that_ended_presses_nothing_and_a_tab_leads_on(screen: Screen) -> None:
    page = screen.open().page
    end_by_rita(screen.house)
    screen.offers("Open again")
    expect(page.locator(BOX)).to_be_focused()

    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    screen.is_now("Not connected")
    page.keyboard.press("Tab")

    assert focused(page) == "Open again"
    page.keyboard.press("Enter")
    screen.is_now("Connected")
    expect(page.locator(CANVAS)).to_be_focused()


def test_who_disconnects_by_the_keyboard_is_one_tab_before_the_way_back(screen: Screen) -> None:
    page = screen.open().page
    page.keyboard.press("F6")
    page.keyboard.press("End")

    page.keyboard.press("Enter")

    screen.says(close_codes.LEFT.sentence)
    page.keyboard.press("Tab")
    assert focused(page) == "Open again"


def test_whoever_is_elsewhere_on_the_page_stays_there(screen: Screen) -> None:
    page = screen.open().page
    link = page.get_by_role("link", name="Hardware", exact=True)
    link.focus()

    end_by_rita(screen.house)

    screen.offers("Open again")
    expect(link).to_be_focused()


def test_who_only_looks_is_told_so_and_gets_no_strip_of_keys(house: House, site: Site, chromium: Browser) -> None:
    VirtualMachine.objects.filter(pk=house.vm.pk).update(pool=house.cast.shared)
    house.cluster.change(house.vm.vmid or 0, pool="ctf")
    roles = PoolMembership.objects.filter(user=house.cast.alice)
    with Window(chromium, site.origin, house.cast.alice, size=PHONE, is_phone=True) as window:
        screen = Screen(window, house).open()
        expect(screen.part("hint")).to_contain_text("Tap to click")
        expect(window.page.locator("[data-strip]")).to_be_visible()

        roles.update(role=Role.VIEWER)

        screen.says(close_codes.NARROWED.sentence + " We try again by ourselves.")
        assert screen.back_within_s(10, "Connected, view only") <= 10
        expect(screen.part("hint")).to_have_text("You only look: keys and clicks do not go to the VM.")
        expect(window.page.locator("[data-strip]")).to_be_hidden()
