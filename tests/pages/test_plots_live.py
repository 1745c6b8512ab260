"""Plots in a browser: fetched by the overview, and kept while the rest of it refreshes."""

import pytest
from playwright.sync_api import Browser, expect

from tests.cast import Cast, make_cast
from tests.pages.scenes_of_snapshots import snapshots
from tests.pages.window import Window

pytestmark = pytest.mark.browser
#: What the overview does by itself every 15 seconds; resolved when it has been swapped in.
REFRESH = "() => htmx.ajax('GET', location.pathname, {target: '#vm-live', swap: 'outerHTML'})"


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The four people, in a database that the server's thread reads."""
    return make_cast()


def test_plots_stay_while_the_overview_refreshes(cast: Cast, chromium: Browser, site: str) -> None:
    path = next(state.path for state in snapshots(cast) if state.name == "overview-with-plots")
    with Window(chromium, site, cast.alice) as window:
        page = window.open(path)
        expect(page.get_by_role("img")).to_have_count(4)
        page.get_by_role("link", name="Day").click()
        expect(page.get_by_text("The last day")).to_be_visible()
        page.get_by_role("link", name="Hour").click()
        expect(page.get_by_role("img")).to_have_count(4)

        with page.expect_response(lambda answer: answer.url.endswith(path)):
            page.evaluate(REFRESH)

        expect(page.get_by_role("img")).to_have_count(4)
        expect(page.locator("#plots")).to_have_count(1)
        assert window.complaints == []
