"""Figures that tests prove, printed one a line in pytest's summary: the id, then the numbers."""

import os

FIGURES: list[str] = []
SOAK = os.environ.get("VMPORTAL_SOAK") == "1"


def scaled(test: int, soak: int) -> int:
    """How many to try: `test` under `make test`, `soak` under `make soak`."""
    return soak if SOAK else test


def figure(name: str, *numbers: object) -> None:
    """Records one line, such as figure("R-01", "requests", 2560, "over", 0)."""
    FIGURES.append(" ".join(str(part) for part in (name, *numbers)))
