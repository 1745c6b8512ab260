"""The clipboard: nothing passes by itself, in either direction, whatever the machine does."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.consoles.conftest import House
from tests.consoles.page.conftest import Site
from tests.consoles.page.hands import events, opened, wait_for
from tests.figures import figure, scaled
from tests.pages.window import Window
from vms.models import VirtualMachine

pytestmark = [pytest.mark.browser]

MINE = "the member's own secret, größer als 日本"
HOSTILE = "<img src=x onerror=\"document.title='caught'\"><script>document.title='caught'</script>"
TIMES = scaled(1000, 20_000)


@pytest.fixture
def page(window: Window, site: Site, house: House) -> Page:
    """The console, in a browser that would let any script use the clipboard, which holds something."""
    window.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.origin)
    displays(house, has_clipboard=True, has_clipboard_now=True)
    page = opened(window, house)
    page.evaluate("(text) => navigator.clipboard.writeText(text)", MINE)
    return page


def displays(house: House, **told: bool) -> None:
    """What the mirror read of its display."""
    VirtualMachine.objects.filter(pk=house.vm.pk).update(hardware=told)


def copies(house: House, text: str, times: int = 1) -> None:
    """The machine copies this."""
    house.cluster.control("POST", f"/guests/{house.vm.vmid}/clipboard", {"text": text, "times": times})


def given(house: House) -> list[Any]:
    """Clipboards that reached the machine."""
    return [event["text"] for event in events(house, "clipboard")]


def held(page: Page) -> str:
    """What the browser's clipboard holds."""
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def open_clipboard(page: Page) -> None:
    page.locator("summary", has_text="Keys").click()
    page.click("[data-clip-open]")


def test_a_machine_that_copies_without_end_gets_one_line_and_nothing_else(page: Page, house: House) -> None:
    copies(house, HOSTILE, TIMES)

    expect(page.locator("[data-clip-notice]")).to_contain_text("The VM copied something")
    figure("clipboard", "copied by the VM", TIMES, "written to the member", int(held(page) != MINE), "of it shown", 0)
    assert (held(page), HOSTILE in page.content(), given(house)) == (MINE, False, [])
    expect(page.locator("[data-console-state]")).to_have_text("Connected")


def test_what_the_machine_copied_is_shown_as_text(page: Page, house: House) -> None:
    copies(house, HOSTILE)

    page.click("[data-clip-notice] [data-clip-do=show]")

    expect(page.locator("[data-clip-from]")).to_have_value(HOSTILE)
    assert (page.title().startswith("caught"), held(page)) == (False, MINE)


def test_a_click_takes_it_over_and_the_line_goes(page: Page, house: House) -> None:
    copies(house, "from the VM")

    page.click("[data-clip-notice] [data-clip-do=copy]")

    expect(page.locator("[data-clip-notice]")).to_be_hidden()
    assert held(page) == "from the VM"


def test_dismissed_it_is_forgotten(page: Page, house: House) -> None:
    copies(house, "from the VM")

    page.click("[data-clip-notice] [data-clip-do=dismiss]")
    open_clipboard(page)

    expect(page.locator("[data-clip-shown]")).to_be_hidden()
    assert held(page) == MINE


def test_what_the_person_has_goes_over_by_two_clicks_and_not_by_one(page: Page, house: House) -> None:
    open_clipboard(page)
    page.click("[data-clip-do=fetch]")
    expect(page.locator("[data-clip-to]")).to_have_value(MINE)
    assert given(house) == []

    page.click("[data-clip-give]")

    wait_for(lambda: given(house) == [MINE], page)
    assert page.input_value("[data-clip-to]") == ""


def test_an_endless_text_is_cut(page: Page, house: House) -> None:
    copies(house, "x" * (1024 * 1024 + 5))

    page.click("[data-clip-notice] [data-clip-do=show]")

    assert page.evaluate("document.querySelector('[data-clip-from]').value.length") == 1024 * 1024


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({}, "Its display has no clipboard; it gets one under Hardware."),
        ({"has_clipboard": True}, "Its clipboard holds after the next shut down and start."),
    ],
    ids=["none", "waits"],
)
def test_a_display_without_a_clipboard_says_so_and_leads_on(
    window: Window, house: House, told: dict[str, bool], sentence: str
) -> None:
    displays(house, **told)
    page = opened(window, house)

    open_clipboard(page)

    expect(page.locator("[data-clip-none] p")).to_have_text(f"{sentence} Paste text types a text into any VM.")
    expect(page.locator("[data-clip-to]")).to_be_hidden()
    expect(page.locator("[data-clip-none] a")).to_have_attribute("href", f"/vms/{house.vm.pk}/hardware/")
    page.keyboard.press("Enter")
    expect(page.locator("[data-paste-text]")).to_be_focused()
    expect(page.locator("[data-clip-dialog]")).to_be_hidden()


def test_a_machine_that_did_copy_has_a_clipboard_whatever_is_set(window: Window, house: House) -> None:
    page = opened(window, house)
    copies(house, "from the VM")

    page.click("[data-clip-notice] [data-clip-do=show]")

    expect(page.locator("[data-clip-from]")).to_have_value("from the VM")
    expect(page.locator("[data-clip-to]")).to_be_visible()


def test_a_clipboard_that_came_with_a_restart_is_offered_on_the_page_that_stayed(window: Window, house: House) -> None:
    page = opened(window, house)
    displays(house, has_clipboard=True, has_clipboard_now=True)

    with house.cluster.fault("drop_stream", vmid=house.vm.vmid):
        expect(page.locator("[data-console-count]")).to_contain_text("Next try in", timeout=10_000)
    expect(page.locator("[data-console-state]")).to_have_text("Connected", timeout=15_000)
    open_clipboard(page)

    expect(page.locator("[data-clip-to]")).to_be_focused()
