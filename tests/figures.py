"""Figures that tests prove, printed one a line in pytest's summary: the id, then the numbers."""

import os
from collections import Counter

FIGURES: list[str] = []
#: What many tests add to one figure: (its id, what is counted) to how many.
SUMS: Counter[tuple[str, str]] = Counter()
SOAK = os.environ.get("VMPORTAL_SOAK") == "1"


def scaled(test: int, soak: int) -> int:
    """How many to try: `test` under `make test`, `soak` under `make soak`."""
    return soak if SOAK else test


def figure(name: str, *numbers: object) -> None:
    """Records one line, such as figure("R-01", "requests", 2560, "over", 0)."""
    FIGURES.append(" ".join(str(part) for part in (name, *numbers)))


def add_to_figure(name: str, **counts: int) -> None:
    """Adds to a line that many tests share, in whatever worker they run: add_to_figure("audit", tests=1, over=0)."""
    for what, count in counts.items():
        SUMS[name, what] += count


def summed() -> list[str]:
    """The lines of the sums, the counts in the order they were first added."""
    lines: dict[str, list[str]] = {}
    for (name, what), count in SUMS.items():
        lines.setdefault(name, [name]).append(f"{what.replace('_', ' ')} {count}")
    return [" ".join(words) for words in lines.values()]
