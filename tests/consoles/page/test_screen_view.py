"""How the screen stands in the page: fitted, point for point, filling; full screen, own window, a saved picture."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from consoles import close_codes
from tests.consoles.conftest import House
from tests.consoles.page.hands import opened
from tests.pages.window import Window

pytestmark = [pytest.mark.browser]

GUEST = (640, 400)


def choose(page: Page, view: str) -> None:
    page.locator("summary", has_text="View").click()
    page.click(f".menu-in [data-view={view}]")
    page.wait_for_timeout(300)


def size(page: Page, part: str) -> tuple[float, float]:
    box: Any = page.locator(part).bounding_box()
    return box["width"], box["height"]


def picture(page: Page) -> tuple[float, float]:
    return size(page, "[data-console-screen] canvas")


def test_fit_shows_all_of_it_and_leaves_no_way_to_scroll(window: Window, house: House) -> None:
    page = opened(window, house)
    page.wait_for_timeout(300)

    wide, high = picture(page)
    pane = size(page, "[data-console-pane]")

    assert wide <= pane[0] + 1
    assert abs(high - pane[1]) <= 2
    assert abs(wide / high - GUEST[0] / GUEST[1]) < 0.02
    scroll = "(one) => one.scrollHeight > one.clientHeight || one.scrollWidth > one.clientWidth"
    assert not page.locator("[data-console-pane]").evaluate(scroll)


def test_point_for_point_and_filling_are_chosen_and_kept_for_the_next_time(window: Window, house: House) -> None:
    page = opened(window, house)

    choose(page, "real")
    assert picture(page) == GUEST
    choose(page, "fill")
    wide, high = picture(page)
    pane: Any = page.locator("[data-console-pane]").evaluate("(one) => [one.clientWidth, one.clientHeight]")
    assert wide >= pane[0] - 1
    assert high >= pane[1] - 1

    page = opened(window, house)
    expect(page.locator("[data-view=fill]")).to_have_attribute("aria-pressed", "true")


def test_a_saved_picture_is_named_for_the_machine_and_the_time(window: Window, house: House) -> None:
    page = opened(window, house)

    with page.expect_download() as waiting:
        choose(page, "shot")

    assert re.fullmatch(r"web-01-\d{4}-\d\d-\d\d-\d{6}\.png", waiting.value.suggested_filename)
    assert Path(waiting.value.path()).read_bytes().startswith(b"\x89PNG")


def test_a_window_of_its_own_has_nothing_but_the_console_and_this_one_ends(window: Window, house: House) -> None:
    page = opened(window, house)

    with page.context.expect_page() as waiting:
        choose(page, "window")
    own = waiting.value

    expect(own.locator("[data-console-state]")).to_have_text("Connected", timeout=15_000)
    expect(page.locator("[data-console-text]")).to_contain_text(close_codes.ELSEWHERE.sentence, timeout=10_000)
    assert own.locator(".topbar, .side, .tabs").count() == 0
    assert size(own, ".console")[1] == own.evaluate("innerHeight")


def test_full_screen_keeps_the_bar_and_says_how_to_leave(window: Window, house: House) -> None:
    page = opened(window, house)

    page.get_by_role("button", name="Full screen").click()

    expect(page.locator("[data-console-hint]")).to_contain_text("Full screen.")
    expect(page.get_by_role("button", name="Leave full screen")).to_be_visible()
    page.keyboard.press("F6")
    assert page.evaluate("!!document.activeElement.closest('[role=toolbar]')")
    page.get_by_role("button", name="Leave full screen").click()
    expect(page.locator("[data-console-hint]")).to_contain_text("Press Ctrl+Alt+Shift")
