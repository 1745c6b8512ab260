"""Full screen gives the machine the keys that a browser keeps, where the browser lets it; leaving takes them back.

The browser is asked for real: `navigator.keyboard.lock` of Chromium is called and answers. What the lock changes is not
seen here: a test's keys come by the debugger, past the place where a browser would keep Esc, Alt+Tab or Win for itself,
so they reach the page with and without a lock (a press of Esc leaves full screen in neither case). Nor is a window
manager there that would take Alt+Tab. Proved is what the page asks for, when, and what it does with each answer.
"""

import pytest
from playwright.sync_api import Page, expect

from tests.consoles.conftest import House
from tests.consoles.page.hands import CANVAS, arrived, opened, pressed, stuck, wait_for
from tests.figures import figure
from tests.pages.window import Window

pytestmark = [pytest.mark.browser]

ESCAPE, TAB, CTRL, ALT, SHIFT, WIN = 0xFF1B, 0xFF09, 0xFFE3, 0xFFE9, 0xFFE1, 0xFFEB
LOCKED = "Full screen. Hold Esc to leave it. All other keys, Alt+Tab and Win too, go to the VM"
UNLOCKED = "Full screen. Esc leaves it; the Esc for the VM is under Keys."
USUAL = "Press Ctrl+Alt+Shift together, or F6, to take them back"
#: Notes what the page asks the browser's own keyboard for, and how that answers.
NOTED = """window.asked = []; const own = { lock: Keyboard.prototype.lock, unlock: Keyboard.prototype.unlock };
  Keyboard.prototype.lock = function (...keys) { const answer = own.lock.apply(this, keys);
    return answer.then((it) => { window.asked.push(["lock", ...keys]); return it; }); };
  Keyboard.prototype.unlock = function () { window.asked.push(["unlock"]); return own.unlock.apply(this); };"""
BROWSERS = {
    "without one": "delete Navigator.prototype.keyboard;",
    "whose keyboard cannot be locked": "delete Keyboard.prototype.lock; delete Keyboard.prototype.unlock;",
    "that refuses": "Keyboard.prototype.lock = () => Promise.reject(new DOMException('no', 'InvalidAccessError'));",
}
#: One that answers when it is told to.
SLOW = "Keyboard.prototype.lock = () => new Promise((done) => { window.lets = done; });"


def full_screen(window: Window, house: House, script: str) -> Page:
    """A console in full screen, in a browser that this script changed."""
    window.context.add_init_script(script)
    page = opened(window, house)
    page.get_by_role("button", name="Full screen").click()
    expect(page.get_by_role("button", name="Leave full screen")).to_be_visible()
    return page


def hint(page: Page, text: str) -> None:
    expect(page.locator("[data-console-hint]")).to_contain_text(text)


def leave(page: Page) -> None:
    page.get_by_role("button", name="Leave full screen").click()
    hint(page, USUAL)


def test_full_screen_locks_every_key_and_leaving_unlocks_them(window: Window, house: House) -> None:
    window.context.add_init_script(NOTED)
    page = opened(window, house)
    assert page.evaluate("asked") == []

    page.get_by_role("button", name="Full screen").click()
    hint(page, LOCKED)
    assert page.evaluate("asked") == [["lock"]]  # without a list: all of them
    leave(page)

    assert page.evaluate("asked") == [["lock"], ["unlock"]]
    figure("U-13", "full screen", "locks", 1, "keys", "all", "unlocks", 1)


def test_the_keys_that_the_hint_names_reach_the_machine(window: Window, house: House) -> None:
    page = full_screen(window, house, NOTED)

    for chord in ("Escape", "Alt+Tab", "Meta"):
        page.keyboard.press(chord)

    expected = [*pressed(ESCAPE), *pressed(ALT, TAB), *pressed(WIN)]
    wait_for(lambda: len(arrived(house)) == len(expected), page)
    assert arrived(house) == expected
    assert page.evaluate("!!document.fullscreenElement")


def test_the_chord_leads_out_of_a_locked_screen_and_leaves_no_key_down(window: Window, house: House) -> None:
    page = full_screen(window, house, NOTED)

    for key in ("Control", "Alt", "Shift"):
        page.keyboard.down(key)

    for key in ("Shift", "Alt", "Control"):
        page.keyboard.up(key)

    assert page.evaluate("!!document.activeElement.closest('[role=toolbar]')")
    wait_for(lambda: not stuck(house), page)
    page.keyboard.press("Enter")  # the bar's button that was used last, which is no key of the machine's
    hint(page, USUAL)
    assert {keysym for keysym, _ in arrived(house)} <= {CTRL, ALT, SHIFT}


@pytest.mark.parametrize("which", BROWSERS)
def test_a_browser_that_locks_nothing_says_what_esc_does_and_works(window: Window, house: House, which: str) -> None:
    page = full_screen(window, house, BROWSERS[which])
    hint(page, UNLOCKED)

    page.locator(CANVAS).press("x")

    wait_for(lambda: arrived(house) == pressed(ord("x")), page)
    leave(page)


def test_an_answer_that_comes_after_leaving_changes_nothing(window: Window, house: House) -> None:
    page = full_screen(window, house, SLOW)
    leave(page)

    page.evaluate("lets()")
    page.evaluate("() => new Promise((done) => setTimeout(done))")

    hint(page, USUAL)
