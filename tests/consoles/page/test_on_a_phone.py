"""The console on a phone: its keyboard's text, the strip of keys, two fingers, and room for the screen."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.consoles.conftest import House
from tests.consoles.page.conftest import Site
from tests.consoles.page.hands import arrived, events, opened, pressed, stuck, wait_for
from tests.figures import figure
from tests.pages.window import Window

pytestmark = [pytest.mark.browser]

CTRL, ESCAPE = 0xFFE3, 0xFF1B
PORTRAIT, LANDSCAPE = (390, 844), (844, 390)
LEAST_SHARE = 0.6
#: Keys of the strip that no fixed bar covers.
FREE = """() => [...document.querySelectorAll("[data-strip] button")].filter((one) => {
  const box = one.getBoundingClientRect();
  return one === document.elementFromPoint(box.left + box.width / 2, box.bottom - 2)?.closest("button");
}).length"""
#: How much of the viewport the screen's pane has, less what the page's fixed bars cover of it.
SHARE = """() => {
  const box = (one) => document.querySelector(one)?.getBoundingClientRect() ?? { top: innerHeight, bottom: 0 };
  const pane = box("[data-console-pane]"), above = box(".topbar").bottom;
  const below = box(".tabbar").top || innerHeight;
  const high = Math.min(pane.bottom, below) - Math.max(pane.top, above);
  const wide = Math.min(pane.right, innerWidth) - Math.max(pane.left, 0);
  const sideways = document.documentElement.scrollWidth - innerWidth;
  return { share: (high * wide) / (innerWidth * innerHeight), sideways };
}"""


@pytest.fixture
def phone(chromium: Browser, site: Site, house: House) -> Iterator[Window]:
    """Alice's phone."""
    with Window(chromium, site.origin, house.cast.alice, size=PORTRAIT, is_phone=True) as window:
        yield window
        assert window.complaints == []


def line(house: House) -> str:
    """The lines that the machine read."""
    text: str = house.cluster.control("GET", f"/guests/{house.vm.vmid}/serial")["text"]
    return text


def keyboard(page: Page) -> CDPSession:
    """The phone's own keyboard, brought up; what it does is said in the browser's own terms."""
    page.tap("[data-strip-keyboard]")
    expect(page.locator("[data-strip-text]")).to_be_focused()
    return page.context.new_cdp_session(page)


def test_the_screen_has_most_of_the_phone_either_way_round(phone: Window, house: House) -> None:
    page = opened(phone, house)

    for name, (width, height) in (("portrait", PORTRAIT), ("landscape", LANDSCAPE), ("back", PORTRAIT)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        found = page.evaluate(SHARE)
        figure("U-15", name, "screen", f"{found['share']:.2f}", "sideways", found["sideways"])
        assert found["share"] >= LEAST_SHARE
        assert found["sideways"] <= 0


@pytest.mark.parametrize("size", [PORTRAIT, (360, 740)], ids=["390", "360"])
def test_upright_the_strip_of_keys_is_there_whole(phone: Window, house: House, size: tuple[int, int]) -> None:
    phone.page.emulate_media(reduced_motion="no-preference")
    phone.page.set_viewport_size({"width": size[0], "height": size[1]})
    page = opened(phone, house)
    page.wait_for_timeout(600)

    free = page.evaluate(FREE)
    figure("U-15", size[0], "keys of the strip", free, "of", 9)
    assert free == 9


def test_a_modifier_that_waits_looks_so_under_the_finger_and_fits_its_key(phone: Window, house: House) -> None:
    page = opened(phone, house)
    page.locator("summary", has_text="Keys").tap()
    hold, other = (page.locator(f".menu-in [data-hold={name}]") for name in ("ShiftLeft", "AltLeft"))

    hold.tap()
    hold.tap()
    page.hover(".menu-in [data-hold=ShiftLeft]")

    colour = "(one) => getComputedStyle(one).backgroundColor"
    assert hold.evaluate(colour) != other.evaluate(colour)
    page.hover(".menu-in [data-hold=AltLeft]")
    assert hold.evaluate(colour) != other.evaluate(colour)
    one_line: Any = page.locator(".menu-in [data-key=Tab]").bounding_box()
    held: Any = hold.bounding_box()
    assert held["height"] == one_line["height"]


def test_text_of_the_phones_keyboard_arrives_also_what_it_corrects(phone: Window, house: House) -> None:
    page = opened(phone, house)
    cdp = keyboard(page)

    for composed in ("t", "te", "teh"):
        cdp.send("Input.imeSetComposition", {"text": composed, "selectionStart": 3, "selectionEnd": 3})
    cdp.send("Input.insertText", {"text": "the "})
    page.keyboard.type("End!")
    page.keyboard.press("Enter")

    wait_for(lambda: "typed: the End!" in line(house), page)


def test_a_backspace_of_that_keyboard_takes_away(phone: Window, house: House) -> None:
    page = opened(phone, house)
    keyboard(page)

    page.keyboard.type("abc")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")

    wait_for(lambda: "typed: ab\n" in line(house), page)


def test_keys_of_the_strip_arrive_and_leave_the_keyboard_up(phone: Window, house: House) -> None:
    page = opened(phone, house)
    keyboard(page)

    page.tap("[data-strip] [data-key=Escape]")
    page.tap("[data-strip] [data-hold=ControlLeft]")
    page.keyboard.type("c")

    wait_for(lambda: len(arrived(house)) == 6, page)
    assert arrived(house) == [*pressed(ESCAPE), (CTRL, True), *pressed(ord("c")), (CTRL, False)]
    expect(page.locator("[data-strip-text]")).to_be_focused()
    assert not stuck(house)


def fingers(cdp: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    """Fingers go down, move or leave."""
    touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def with_two_fingers(page: Page, begins: tuple[float, float], ends: tuple[float, float], down: float = 0) -> None:
    """Two fingers beside the pane's middle, so far apart, then so far; both also go down by this."""
    cdp = page.context.new_cdp_session(page)
    box: Any = page.locator("[data-console-pane]").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    steps = 12
    fingers(cdp, "touchStart", (x - begins[0], y))
    fingers(cdp, "touchStart", (x - begins[0], y), (x + begins[1], y))
    for step in range(1, steps + 1):
        left, right = (start + (end - start) * step / steps for start, end in zip(begins, ends, strict=True))
        fingers(cdp, "touchMove", (x - left, y + down * step / steps), (x + right, y + down * step / steps))
        page.wait_for_timeout(20)
    fingers(cdp, "touchEnd")


def width(page: Page) -> float:
    """The picture's width on the page."""
    box: Any = page.locator("[data-console-screen] canvas").bounding_box()
    return float(box["width"])


def test_a_pinch_makes_the_picture_larger_and_presses_nothing_in_the_machine(phone: Window, house: House) -> None:
    page = opened(phone, house)
    fitted = width(page)

    with_two_fingers(page, (30, 30), (140, 140))
    larger = width(page)
    with_two_fingers(page, (40, 40), (40, 40), down=-120)

    figure("U-15", "pinch", f"{larger / fitted:.1f}", "times")
    assert larger > 1.5 * fitted
    assert page.evaluate("document.querySelector('[data-console-pane]').scrollTop") > 0
    assert (arrived(house), [event for event in events(house, "pointer") if event["buttons"]]) == ([], [])
    assert page.evaluate(SHARE)["sideways"] <= 0


def test_a_tap_clicks_where_it_is(phone: Window, house: House) -> None:
    page = opened(phone, house)

    page.locator("[data-console-screen] canvas").tap()

    wait_for(lambda: [one for one in events(house, "pointer") if one["buttons"] == 1], page)
    clicked = next(one for one in events(house, "pointer") if one["buttons"] == 1)
    assert (abs(clicked["x"] - 320) <= 3, abs(clicked["y"] - 200) <= 3) == (True, True)


def test_disconnected_from_its_menu_the_menu_is_gone(phone: Window, house: House) -> None:
    page = opened(phone, house)
    page.locator("summary", has_text="View").tap()

    page.locator(".menu-in [data-console-do=leave]").tap()

    expect(page.get_by_role("button", name="Open again")).to_be_visible()
    expect(page.locator(".console details[open]")).to_have_count(0)
