"""How far down a page's choices reach at 1440 px: the lowest thing to press or fill in is to end above the fold.

What grows without an end is content, not a choice: it is taken out before measuring, scene by scene, with its reason.
"""

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from tests.pages.states import PageState
from tests.pages.window import DESKTOP, Window

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
    Content("share-*", "[aria-labelledby=shared-now]", "one row a link"),
)


def below_the_fold(window: Window, state: PageState) -> list[str]:
    """The lowest choice of the open page, where it ends below; changes the page. Only for a window of that size."""
    end_px, lowest = window.run(LOWEST, ",".join(each.selector for each in CONTENT if fnmatch(state.name, each.states)))
    return [f"{lowest} ends at {end_px}"] if end_px > SCREEN_PX else []
