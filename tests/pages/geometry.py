"""What automatic accessibility checkers do not see: things too wide, on top of each other, too small, hidden."""

from pathlib import Path

from tests.pages.window import Window

LOOK = (Path(__file__).parent / "geometry.js").read_text(encoding="utf-8").partition("\n")[2]


def flaws(window: Window) -> list[str]:
    """Everything wrong with where things are on the open page."""
    return list(window.run(LOOK))
