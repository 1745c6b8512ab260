"""U-21, U-23: every page state in a real browser, judged by axe and by geometry."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from django.conf import LazySettings
from playwright.sync_api import Browser

from accounts.oidc.backend import NAME as HOUSE
from tests.cast import Cast, make_cast
from tests.figures import SOAK, add_to_figure, figure
from tests.pages.axe import violations
from tests.pages.fold import below_the_fold
from tests.pages.geometry import flaws
from tests.pages.scenes import SCENES
from tests.pages.states import PageState
from tests.pages.window import DESKTOP, PHONE, TABLET, Window
from tests.unwatched import unwatched

pytestmark = pytest.mark.browser
VIEWS = [(PHONE, "light"), (DESKTOP, "dark")]
ALL_VIEWS = [(size, theme) for size in (PHONE, TABLET, DESKTOP) for theme in ("light", "dark")]
#: Where screenshots go when somebody wants to look at them.
SHOTS = os.environ.get("VMPORTAL_SHOTS", "")


@pytest.fixture
def cast(transactional_db: None, settings: LazySettings) -> Cast:
    """The four people, in a database that the server's thread reads. House accounts may be signed in, too."""
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, HOUSE]
    return make_cast()


@pytest.mark.parametrize("scene", SCENES)
def test_every_page_state_is_usable_by_everybody(scene: str, cast: Cast, chromium: Browser, site: str) -> None:
    states = SCENES[scene](cast)
    counted: Counter[str] = Counter()
    wrong: list[str] = []

    for number, (size, theme) in enumerate(ALL_VIEWS if SOAK else VIEWS):
        for who in dict.fromkeys(state.who for state in states):
            with unwatched(when=number > 0), Window(chromium, site, who, size=size, theme=theme) as window:
                for state in (one for one in states if one.who == who):
                    visit(window, state)
                    shoot(window, f"{state.name}-{size[0]}-{theme}")
                    for kind, found in (judged(window) | folded(window, state, size)).items():
                        wrong += [f"{state.name} {size[0]} {theme} {kind}: {line}" for line in found]
                        counted[kind] += 1

    assert not wrong, "\n".join(wrong)
    figure("U-21", scene, "states", len(states), "axe runs", counted["axe"], "violations", 0)
    figure("U-23", scene, "geometry runs", counted["geometry"], "flaws", 0)
    add_to_figure("U-one-screen", pages=counted["fold"], over=0)


def visit(window: Window, state: PageState) -> None:
    """Opens the page and does what brings it into its state."""
    window.complaints.clear()
    page = window.open(state.path)
    if state.then:
        state.then(page)
        page.wait_for_load_state()


def judged(window: Window) -> dict[str, list[str]]:
    """What each judge finds."""
    return {"axe": violations(window), "geometry": flaws(window), "browser": list(window.complaints)}


def folded(window: Window, state: PageState, size: tuple[int, int]) -> dict[str, list[str]]:
    """At a desk, which choice lies below the first screen; last, for it takes content out of the page."""
    return {"fold": below_the_fold(window, state)} if size == DESKTOP else {}


def shoot(window: Window, name: str) -> None:
    """A screenshot for a person to look at, on request."""
    if SHOTS:
        path = Path(SHOTS) / f"{re.sub(r'[^a-z0-9-]', '_', name)}.png"
        window.page.screenshot(path=path, full_page=True)
