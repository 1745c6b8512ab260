"""No page shows more than one screen of choices at 1440 px: the lowest thing to press or fill in ends above the fold.

What grows without an end is content, not a choice: it is taken out before measuring, scene by scene, with its reason.
"""

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.cast import Cast
from tests.figures import add_to_figure
from tests.pages.scenes import SCENES
from tests.pages.states import PageState
from tests.pages.test_look import cast, visit
from tests.pages.window import DESKTOP, Window

pytestmark = pytest.mark.browser
__all__ = ["cast"]
SCREEN_PX = DESKTOP[1]
LOWEST = (Path(__file__).parent / "choices.js").read_text(encoding="utf-8").partition("\n")[2]


@dataclass(frozen=True)
class Content:
    """What is no choice on the page states of this name, and why."""

    states: str
    selector: str
    why: str


CONTENT = (
    Content("list*", "#vms .card", "one row a machine, as many as somebody has"),
    Content("rtp*", "main .table", "one row a machine of the house"),
    Content("vm-*", "#plots-place", "plots, which are looked at"),
    Content("leases*", "main .table", "one row a machine of the house"),
    Content("person*", "[aria-labelledby=machines],[aria-labelledby=events]", "their machines and what happened"),
    Content("account*", "[aria-labelledby=consoles]", "one row an open console"),
    Content("directory", "main .table", "what the passes found: people, entries, exceptions"),
    Content("limits of a pool", "[aria-labelledby=in-force]", "one row an allowance"),
    Content("pools of RTPs*", "main tr", "one row a pool of the house"),
    Content("a pool*", "#progress", "one row a machine of the pool"),
)


@pytest.mark.parametrize("scene", SCENES)
def test_the_choices_of_a_page_fit_on_one_screen(scene: str, cast: Cast, chromium: Browser, site: str) -> None:
    states = SCENES[scene](cast)
    over: list[str] = []

    for who in dict.fromkeys(state.who for state in states):
        with Window(chromium, site, who, size=DESKTOP) as window:
            for state in (one for one in states if one.who == who):
                end_px, lowest = measured(window, state)
                over += [f"{state.name}: {lowest} ends at {end_px}"] if end_px > SCREEN_PX else []

    add_to_figure("U-one-screen", pages=len(states), over=len(over))
    assert not over, "\n".join(over)


def test_the_ruler_sees_a_choice_below_the_fold(cast: Cast, chromium: Browser, site: str) -> None:
    """Control: the same page, a screen lower."""
    with Window(chromium, site, cast.alice, size=DESKTOP) as window:
        page = window.open("/accounts/")
        page.evaluate("() => { document.querySelector('main').style.paddingTop = '900px'; }")
        end_px, _lowest = window.run(LOWEST, "")
    assert end_px > SCREEN_PX


def measured(window: Window, state: PageState) -> tuple[int, str]:
    """Where the lowest choice ends, and what it is called."""
    visit(window, state)
    found: tuple[int, str] = window.run(LOWEST, ",".join(each.selector for each in CONTENT if fits(each, state)))
    return found


def fits(content: Content, state: PageState) -> bool:
    """Whether it is about this state."""
    return fnmatch(state.name, content.states)
