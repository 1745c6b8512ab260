"""Text typed as key presses: a keyboard of the layout makes the text of them, and it arrives at the machine."""

import random
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.consoles.conftest import House
from tests.consoles.keymaps import Keyboard
from tests.consoles.test_in_a_browser import chromium, house, opened, site, wait_for, window
from tests.figures import figure, scaled
from tests.pages.window import Window

__all__ = ["chromium", "house", "site", "window"]
pytestmark = [pytest.mark.browser]

LAYOUTS = ("us", "uk", "de")
COUNT = scaled(200, 2000)
KEYS = """async ([text, layout]) => {
  const typing = await import("/static/js/typing.js");
  const { strokes, missing } = typing.strokes(text, layout);
  return { events: [...typing.events(strokes)], missing };
}"""
ALPHABET = """async (layout) => {
  const { LAYOUTS } = await import("/static/js/typing.js");
  return Object.values(LAYOUTS[layout]).filter(Array.isArray).flat().join("");
}"""


def keys(page: Page, text: str, layout: str) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(KEYS, [text, layout])
    return found


def alphabet(page: Page, layout: str) -> str:
    """Every character that the layout says it can make."""
    return "".join(sorted(set(page.evaluate(ALPHABET, layout)) | {" ", "\n", "\t"}))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_keyboard_of_the_layout_reads_what_was_meant(window: Window, house: House, layout: str) -> None:
    page = window.open(f"/vms/{house.vm.pk}/")
    letters = alphabet(page, layout)
    text = letters + "".join(random.Random(layout).choices(letters, k=COUNT))

    found = keys(page, text, layout)
    read = Keyboard(layout).typed(found["events"])

    same = sum(mine == theirs for mine, theirs in zip(text, read, strict=False))
    figure("U-12", layout, "characters", len(text), "read as sent", same)
    assert (read, found["missing"]) == (text, [])


def test_on_another_keyboard_it_is_another_text(window: Window, house: House) -> None:
    page = window.open(f"/vms/{house.vm.pk}/")

    assert Keyboard("de").typed(keys(page, "yes\\z", "us")["events"]) != "yes\\z"


def test_what_the_layout_cannot_make_is_named_and_left_out(window: Window, house: House) -> None:
    page = window.open(f"/vms/{house.vm.pk}/")

    found = keys(page, "naïve€ 日ï", "us")

    assert found["missing"] == ["ï", "€", "日"]
    assert Keyboard("us").typed(found["events"]) == "nave "


def paste(page: Page, text: str) -> None:
    page.click("[data-paste-open]")
    page.fill("[data-paste-text]", text)
    page.click("[data-paste-go]")


def test_pasted_text_arrives_letter_by_letter_and_is_forgotten(window: Window, house: House) -> None:
    page = opened(window, house)
    text = "".join(random.Random(4).choices("abcXYZ 0189!?#{}|~", k=60))

    paste(page, f"{text}\n")

    serial = f"/guests/{house.vm.vmid}/serial"
    wait_for(lambda: f"typed: {text}" in house.cluster.control("GET", serial)["text"], page)
    expect(page.locator("[data-paste-dialog]")).to_be_hidden()
    assert page.input_value("[data-paste-text]") == ""


def test_before_typing_it_says_what_will_happen(window: Window, house: House) -> None:
    page = opened(window, house)

    page.click("[data-paste-open]")
    page.fill("[data-paste-text]", "ls\nä")

    note = page.locator("[data-paste-note]")
    expect(note).to_contain_text("This types 4 characters as key presses, US layout")
    expect(note).to_contain_text("each one runs what stands before it")
    expect(note).to_contain_text("The US layout has no key for ä")
    expect(note.locator("strong")).to_have_count(2)  # what it warns of stands out


def test_it_can_be_stopped_and_then_holds_no_key(window: Window, house: House) -> None:
    page = opened(window, house)

    paste(page, "A" * 2000)
    page.click("[data-paste-stop]")

    expect(page.locator("[data-paste-note]")).to_contain_text("Stopped after")
    wait_for(lambda: shifts(house)[-1:] == [False], page)
    assert shifts(house)[0] is True


#: Notes when the page last sent something to the machine.
NOTE_SENDING = """const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (typeof data !== "string" && new Uint8Array(data.buffer ?? data)[0] !== 3) window.lastSent = performance.now();
    return send.call(this, data);
  };"""
STOP = """async () => {
  const pressed = performance.now();
  document.querySelector("[data-paste-stop]").click();
  await new Promise((after) => setTimeout(after, 1000));
  return window.lastSent - pressed;
}"""
MOST_MS = 300


def test_it_stops_within_300_ms(window: Window, house: House) -> None:
    window.page.add_init_script(NOTE_SENDING)
    page = opened(window, house)
    paste(page, "B" * 2000)
    wait_for(lambda: shifts(house), page)

    went_on_ms = page.evaluate(STOP)

    figure("U-12", "typed on after Stop", f"{max(went_on_ms, 0):.0f} ms", "of", MOST_MS)
    assert went_on_ms <= MOST_MS


def test_a_long_text_is_told_that_a_file_is_quicker(window: Window, house: House) -> None:
    page = opened(window, house)
    page.click("[data-paste-open]")
    note = page.locator("[data-paste-note]")

    page.fill("[data-paste-text]", "x" * 2000)
    expect(note).not_to_contain_text("It is long")
    page.fill("[data-paste-text]", "x" * 2001)

    expect(note).to_contain_text("It is long")


def test_the_layout_is_remembered_for_each_machine(window: Window, house: House) -> None:
    page = opened(window, house)
    page.click("[data-paste-open]")
    page.select_option("[data-paste-layout]", "de")
    page.fill("[data-paste-text]", "z")
    page.click("[data-paste-go]")
    expect(page.locator("[data-paste-dialog]")).to_be_hidden()
    page.evaluate("localStorage.setItem('vmportal.layout', 'uk')")

    page = opened(window, house)

    expect(page.locator("[data-paste-layout]")).to_have_value("de")


def shifts(house: House) -> list[bool]:
    """Shift going down and up, as it reached the machine."""
    events = house.cluster.control("GET", f"/guests/{house.vm.vmid}/keys")
    return [event["down"] for event in events if event["kind"] == "key" and event["keysym"] == 0xFFE1]
