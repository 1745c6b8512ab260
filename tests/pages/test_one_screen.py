"""The ruler of a page's choices sees what lies below the fold; tests/pages/test_look.py lays it on every page state."""

import pytest
from playwright.sync_api import Browser

from tests.cast import Cast
from tests.pages.fold import LOWEST, SCREEN_PX
from tests.pages.test_look import cast
from tests.pages.window import DESKTOP, Window

pytestmark = pytest.mark.browser
__all__ = ["cast"]


def test_the_ruler_sees_a_choice_below_the_fold(cast: Cast, chromium: Browser, site: str) -> None:
    """Control: the same page, a screen lower."""
    with Window(chromium, site, cast.alice, size=DESKTOP) as window:
        page = window.open("/accounts/")
        page.evaluate("() => { document.querySelector('main').style.paddingTop = '900px'; }")
        end_px, _lowest = window.run(LOWEST, "")
    assert end_px > SCREEN_PX
