"""Alice shares her screen by a link, bob looks and then uses it, each sees who is there, and alice takes it back."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from consoles import close_codes, shares
from tests.consoles.conftest import House
from tests.consoles.page.conftest import Site
from tests.figures import figure
from tests.pages.window import Window

pytestmark = [pytest.mark.browser]


@pytest.fixture
def alices(house: House, chromium: Browser, site: Site) -> Iterator[Window]:
    """Her browser; nothing in it may complain, the content security policy included."""
    with Window(chromium, site.origin, house.cast.alice) as window:
        yield window
        assert window.complaints == []


@pytest.fixture
def bobs(house: House, chromium: Browser, site: Site) -> Iterator[Window]:
    """The guest's browser."""
    with Window(chromium, site.origin, house.cast.bob) as window:
        yield window
        assert window.complaints == []


def connected(page: Page, words: str = "Connected") -> Page:
    """The screen is there."""
    expect(page.locator("[data-console-state]")).to_contain_text(words, timeout=15_000)
    return page


def link_of(page: Page, *, may: str) -> str:
    """Presses Share in the bar and makes a link; the console stays open behind the dialog."""
    page.click("[data-share-open]")
    page.select_option("#share_may", may)
    page.click("[data-share-dialog] [data-share-form] .btn-primary")
    link = page.locator("[data-share-dialog] [data-share-link] .mono").inner_text()
    page.click("[data-share-close]")
    expect(page.locator("[data-share-link]")).to_have_count(0)
    return link


def test_a_screen_is_shared_seen_by_both_and_taken_back(alices: Window, bobs: Window, house: House) -> None:
    mine = connected(alices.open(f"/vms/{house.vm.pk}/console/"))
    link = link_of(mine, may="control")

    bobs.page.goto(link)
    expect(bobs.page.locator("h1")).to_have_text("alice shares a screen with you")
    bobs.page.get_by_role("button", name="Open the screen").click()
    his = connected(bobs.page)

    expect(mine.locator("[data-console-people]")).to_contain_text("bob", timeout=5_000)
    expect(his.locator("[data-console-people]")).to_contain_text("alice", timeout=5_000)
    mine.click("[data-share-open]")
    mine.get_by_role("button", name="Revoke the link for bob").click()
    expect(his.locator("[data-console-text]")).to_have_text(close_codes.SHARE_OVER.sentence, timeout=4_000)
    expect(mine.locator("[data-console-state]")).to_contain_text("Connected")
    bobs.page.goto(link)
    expect(bobs.page.locator("main p").last).to_have_text(shares.OVER)
    figure("share", "journey", "links", 1, "opened_after_revoking", 0)


def test_the_guest_page_says_that_it_is_to_look_at(alices: Window, bobs: Window, house: House) -> None:
    link = link_of(connected(alices.open(f"/vms/{house.vm.pk}/console/")), may="look")

    bobs.page.goto(link)
    bobs.page.get_by_role("button", name="Open the screen").click()

    connected(bobs.page, "view only")
    expect(bobs.page.locator("[data-power], [data-share-open], #vm-head")).to_have_count(0)


def test_without_scripts_the_link_is_made_on_a_page_of_its_own(house: House, chromium: Browser, site: Site) -> None:
    with Window(chromium, site.origin, house.cast.alice, scripts=False) as window:
        window.page.goto(f"{window.site}/vms/{house.vm.pk}/console/")
        window.page.click("[data-share-open]")
        window.page.fill("#share_guest", "bob")
        window.page.click("[data-share-form] .btn-primary")

        expect(window.page.locator("[data-share-link]")).to_contain_text("Give this link to bob.")
        expect(window.page.locator("[data-share-link] .mono")).to_contain_text(f"{window.site}/consoles/shared/")
