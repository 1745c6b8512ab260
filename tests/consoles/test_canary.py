"""R-40: what is typed, pasted or put on the clipboard goes to the machine, and is found nowhere else."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from accounts.models import AuditEvent
from tests.consoles.canary import canary, looked_for, stores, typed_at
from tests.consoles.conftest import House
from tests.consoles.portal import serving
from tests.consoles.test_in_a_browser import chromium, house, site, wait_for
from tests.consoles.test_typing import paste
from tests.figures import figure
from tests.pages.window import Window

__all__ = ["chromium", "house", "site"]
pytestmark = [pytest.mark.browser]

STORED = """async () => {
  const kept = { local: { ...localStorage }, session: { ...sessionStorage }, cookies: document.cookie };
  const named = (await indexedDB.databases()).map((one) => one.name);
  return JSON.stringify({ ...kept, caches: await caches.keys(), named, state: history.state, url: location.href });
}"""


def opened(page: Page) -> None:
    expect(page.locator("[data-console-state]")).to_have_text("Connected", timeout=30_000)


def test_pasted_text_is_found_nowhere_but_in_the_machine(house: House, chromium: Browser, tmp_path: Path) -> None:
    word = canary()
    with (
        serving(house.cluster, tmp_path, "tests.consoles.served:application", LOG_LEVEL="DEBUG") as portal,
        Window(chromium, portal.origin, house.cast.alice) as window,
    ):
        page = window.open(f"/vms/{house.vm.pk}/console/")
        opened(page)
        paste(page, f"{word}\n")
        wait_for(lambda: word in typed_at(house), page)
        kept = {"browser": str(page.evaluate(STORED)).encode()}
        page.goto(f"{portal.origin}/vms/{house.vm.pk}/")
        wait_for(lambda: AuditEvent.objects.filter(verb="console.closed").exists(), page)
        kept |= stores(portal)
        kept["page"] = page.content().encode()

    found = looked_for(word, kept)
    figure("R-40", "pasted", "stores", len(kept), "bytes", sum(map(len, kept.values())), "found", len(found))
    assert found == []
    assert looked_for("canary console.closed", kept) != []  # what is there is found
