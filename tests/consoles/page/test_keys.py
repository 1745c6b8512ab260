"""Keys that a browser would keep, modifiers that wait, and the keyboard's ways out of the screen."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.consoles.conftest import House
from tests.consoles.page.hands import CANVAS, arrived, opened, pressed, stuck, wait_for
from tests.figures import figure, scaled
from tests.pages.window import Window

pytestmark = [pytest.mark.browser]

CTRL, ALT, SHIFT, WIN, DELETE, ESCAPE = 0xFFE3, 0xFFE9, 0xFFE1, 0xFFEB, 0xFFFF, 0xFF1B
F2, F6 = 0xFFBF, 0xFFC3
TIMES = scaled(20, 200)


def keys_menu(page: Page) -> Any:
    """The menu of keys, opened."""
    page.locator("summary", has_text="Keys").click()
    return page.get_by_role("group", name="Keys for the VM")


def test_every_key_of_the_menu_reaches_the_machine_with_what_belongs_to_it(window: Window, house: House) -> None:
    page = opened(window, house)
    wanted = {"Escape": [ESCAPE], "F6": [F6], "MetaLeft": [WIN], "ControlLeft+AltLeft+F2": [CTRL, ALT, F2]}

    for name in wanted:
        keys_menu(page).locator(f"[data-key='{name}']").click()

    expected = [event for keysyms in wanted.values() for event in pressed(*keysyms)]
    wait_for(lambda: arrived(house) == expected, page)


def test_a_modifier_goes_with_the_next_key_and_no_other(window: Window, house: House) -> None:
    page = opened(window, house)
    hold = keys_menu(page).locator("[data-hold=ControlLeft]")
    hold.click()
    expect(hold).to_have_attribute("aria-pressed", "true")
    assert arrived(house) == []

    page.keyboard.type("cd")

    wait_for(lambda: len(arrived(house)) == 6, page)
    assert arrived(house) == [(CTRL, True), (ord("c"), True), (CTRL, False), (ord("c"), False), *pressed(ord("d"))]
    expect(hold).to_have_attribute("aria-pressed", "false")


def test_one_pressed_twice_stays_down_until_it_is_pressed_again(window: Window, house: House) -> None:
    page = opened(window, house)
    hold = keys_menu(page).locator("[data-hold=AltLeft]")
    hold.click()
    hold.click()
    expect(hold).to_have_text("Alt ↓")

    page.keyboard.type("ab")
    hold.click()

    wait_for(lambda: len(arrived(house)) == 6, page)
    assert arrived(house) == [(ALT, True), *pressed(ord("a")), *pressed(ord("b")), (ALT, False)]


@pytest.mark.parametrize("way", ["the window loses the keyboard", "a paste begins"])
def test_what_is_held_comes_up_by_itself(window: Window, house: House, way: str) -> None:
    page = opened(window, house)
    hold = keys_menu(page).locator("[data-hold=ShiftLeft]")
    hold.click()
    hold.click()
    wait_for(lambda: stuck(house) == {SHIFT}, page)

    if way == "a paste begins":
        page.click("[data-paste-open]")
        page.fill("[data-paste-text]", "x")
        page.click("[data-paste-go]")
    else:
        page.evaluate("window.dispatchEvent(new Event('blur'))")

    wait_for(lambda: not stuck(house), page)


def way_out(page: Page, way: str) -> None:
    """Leaves the screen by the chord or by F6."""
    if way == "F6":
        page.keyboard.press("F6")
        return
    for key in ("Control", "Alt", "Shift"):
        page.keyboard.down(key)
    for key in ("Shift", "Alt", "Control"):
        page.keyboard.up(key)


@pytest.mark.parametrize("way", ["chord", "F6"])
def test_the_keyboard_gets_out_each_time_and_leaves_no_key_down(window: Window, house: House, way: str) -> None:
    page = opened(window, house)
    out = 0

    for _ in range(TIMES):
        page.locator(CANVAS).focus()
        way_out(page, way)
        out += page.evaluate("!!document.activeElement.closest('[role=toolbar]')")

    figure("U-13", way, "out", out, "of", TIMES)
    assert out == TIMES
    wait_for(lambda: not stuck(house), page)


def test_f6_leads_from_the_screen_to_the_bar_to_the_page_and_back(window: Window, house: House) -> None:
    page = opened(window, house)
    where = []

    for _ in range(3):
        page.keyboard.press("F6")
        where.append(page.evaluate("document.activeElement.closest('[role=toolbar], #main').role || 'page'"))

    assert where[0] == "toolbar"
    expect(page.locator(CANVAS)).to_be_focused()
    assert not [keysym for keysym, _ in arrived(house) if keysym == F6]


def test_the_bar_is_one_stop_of_the_tab_key_and_arrows_move_in_it(window: Window, house: House) -> None:
    page = opened(window, house)
    page.keyboard.press("F6")
    first = page.evaluate("document.activeElement.textContent")

    page.keyboard.press("ArrowRight")
    second = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Home")

    assert (first, second) == ("Ctrl+Alt+Del", "Paste text")
    assert page.evaluate("document.activeElement.textContent") == "Ctrl+Alt+Del"
    stops = "[...document.querySelectorAll('[role=toolbar] :is(button, summary)')].filter((one) => one.tabIndex === 0"
    assert page.evaluate(f"{stops} && !one.disabled && !one.closest('.menu-in') && one.offsetParent).length") == 1


def test_the_way_out_is_printed_where_the_screen_says_so(window: Window, house: House) -> None:
    page = opened(window, house)

    described = page.locator("[data-console-screen]").get_attribute("aria-describedby")

    expect(page.locator(f"#{described}")).to_contain_text("Press Ctrl+Alt+Shift together, or F6")
    expect(page.locator(f"#{described}")).to_be_visible()
