"""R-40: what was pasted is in the machine, and nowhere else: not in a row, a log, a request or the browser's memory."""

import json
from collections.abc import Callable

import pytest
from django.apps import apps
from playwright.sync_api import Page, expect

from tests.consoles.conftest import House
from tests.consoles.page.conftest import Site
from tests.consoles.page.hands import events, opened, wait_for
from tests.figures import figure
from tests.pages.window import Window
from vms.models import VirtualMachine

pytestmark = [pytest.mark.browser]

CANARY = "Canary-7Zq-Yellow!"
KEPT_BY_THE_BROWSER = """() => JSON.stringify([
  { ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state,
  document.documentElement.outerHTML, performance.getEntries().map((one) => one.name),
  [...document.querySelectorAll("input, textarea")].map((one) => one.value),
])"""


def paste(page: Page) -> None:
    """By key presses."""
    page.click("[data-paste-open]")
    page.fill("[data-paste-text]", f"{CANARY}\n")
    page.click("[data-paste-go]")
    expect(page.locator("[data-paste-dialog]")).to_be_hidden(timeout=15_000)


def give(page: Page) -> None:
    """By the clipboard."""
    page.locator("summary", has_text="Keys").click()
    page.click("[data-clip-open]")
    page.fill("[data-clip-to]", CANARY)
    page.click("[data-clip-give]")


def has_it(house: House) -> bool:
    """Whether the machine got it, one way or the other."""
    serial = house.cluster.control("GET", f"/guests/{house.vm.vmid}/serial")["text"]
    return f"typed: {CANARY}" in serial or CANARY in [event["text"] for event in events(house, "clipboard")]


def rows() -> str:
    """Every row of every table."""
    return "\n".join(
        str(list(model._default_manager.values_list())) for model in apps.get_models() if model._meta.managed
    )


@pytest.mark.parametrize("way", [paste, give])
def test_what_was_pasted_is_in_the_machine_and_nowhere_else(
    window: Window, house: House, site: Site, way: Callable[[Page], None]
) -> None:
    requests: list[str] = []
    window.page.on("request", lambda one: requests.append(f"{one.url} {json.dumps(one.headers)} {one.post_data}"))
    VirtualMachine.objects.update(hardware={"has_clipboard_now": True})
    page = opened(window, house)

    way(page)
    wait_for(lambda: has_it(house), page)

    places = {
        "rows": rows(),
        "log": site.portal.log.read_text(errors="replace"),
        "requests": "\n".join(requests),
        "browser": window.run(KEPT_BY_THE_BROWSER) + json.dumps([dict(one) for one in window.context.cookies()]),
    }
    figure("R-40", way.__name__, "places", len(places), "found in", sum(CANARY in text for text in places.values()))
    assert [name for name, text in places.items() if CANARY in text] == []
    assert (house.vm.name in places["rows"], "/console/grant" in places["requests"]) == (True, True)
