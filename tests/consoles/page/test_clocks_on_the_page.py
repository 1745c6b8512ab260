"""The page warns before an end that comes by time, and says what a portal with short clocks did."""

from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from consoles import close_codes
from consoles.models import ConsoleVisit
from tests.consoles.conftest import House
from tests.consoles.page.conftest import Site
from tests.consoles.page.screen import Screen
from tests.consoles.page.test_endings import told
from tests.figures import add_to_figure
from tests.pages.window import Window

pytestmark = [pytest.mark.browser]


@pytest.fixture
def screen(house: House, strict_site: Site, chromium: Browser) -> Iterator[Screen]:
    """Alice's console at the portal that has little patience."""
    with Window(chromium, strict_site.origin, house.cast.alice) as window:
        yield Screen(window, house)


def test_an_idle_console_is_warned_of_kept_by_a_press_and_closed_when_nobody_presses(screen: Screen) -> None:
    warning = screen.open().page.locator("[data-warn]")
    expect(warning).to_contain_text("Nobody has used this console for a while. It closes in", timeout=5_000)
    expect(warning.locator("[data-warn-left]")).to_have_text("2 s")

    warning.get_by_role("button", name="Stay").click()

    expect(warning).to_be_hidden()
    expect(warning).to_be_visible(timeout=5_000)
    screen.says(close_codes.IDLE.sentence)
    expect(warning).to_be_hidden()
    screen.offers("Open again")
    add_to_figure("U-11 endings", real=1)


def test_who_only_looks_is_warned_of_the_time_limit_which_no_press_moves(screen: Screen) -> None:
    screen.house.vm.pool = screen.house.cast.shared
    screen.house.vm.save()
    screen.house.cluster.change(screen.house.vm.vmid or 0, pool="ctf")
    screen.house.cast.shared.memberships.filter(user=screen.house.cast.alice).update(role="viewer")
    warning = screen.open("Connected, view only").page.locator("[data-warn]")

    expect(warning).to_contain_text("This console has been open as long as one may be.", timeout=8_000)
    expect(warning.get_by_role("button")).to_be_hidden()
    screen.says(close_codes.TIME_LIMIT.sentence)
    screen.offers("Open again")
    add_to_figure("U-11 endings", real=1)


def test_a_console_whose_row_was_closed_says_that_the_right_was_not_checked(screen: Screen) -> None:
    screen.open()

    ConsoleVisit.objects.update(closed_at=timezone.now())

    screen.says(told(close_codes.UNCHECKED))
    add_to_figure("U-11 endings", real=1)
