"""Plots as numbers and paths: scales, gaps, the sentence that says what a picture shows. Plain Python.

A point is (seconds since 1970, value or None). None is a gap: nothing is drawn there, never a zero.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[int, float | None]
WIDTH, HEIGHT = 600, 96
#: A longer pause than so many steps is a gap, though no row says so.
PAUSE_STEPS = 1.6
#: Length of a span in seconds, and the most points drawn of it.
SPANS_S = {"hour": 3_600, "day": 86_400, "week": 604_800, "month": 2_678_400, "year": 31_622_400}
MOST_POINTS = 96


@dataclass(frozen=True)
class Frame:
    """What a picture covers: from and to in seconds since 1970, and the value at its top."""

    since: int
    until: int
    top: float

    def x(self, at: int) -> float:
        """Where a moment lies, in the picture's units."""
        return round((at - self.since) / max(1, self.until - self.since) * WIDTH, 1)

    def y(self, value: float) -> float:
        """Where a value lies; what is above the top is drawn at the top."""
        return round(HEIGHT - min(1.0, value / self.top) * (HEIGHT - 2) - 1, 1)


@dataclass(frozen=True)
class Summary:
    """The newest, least and most of a series, and when the most was. None of all where nothing was measured."""

    now: float
    least: float
    most: float
    most_at: int


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most so many points, each the mean of what was measured in its part; a part without any stays a gap."""
    if len(points) <= most:
        return list(points)
    size = -(-len(points) // most)
    parts = (points[start : start + size] for start in range(0, len(points), size))
    return [(part[-1][0], _mean([value for _at, value in part if value is not None])) for part in parts]


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def runs(points: Sequence[Point]) -> Iterator[list[tuple[int, float]]]:
    """The stretches between gaps."""
    pause_s = _step_s(points) * PAUSE_STEPS
    run: list[tuple[int, float]] = []
    for at, value in points:
        if run and (value is None or at - run[-1][0] > pause_s):
            yield run
            run = []
        if value is not None:
            run.append((at, value))
    if run:
        yield run


def _step_s(points: Sequence[Point]) -> float:
    """The usual distance of two points."""
    steps = sorted(later[0] - earlier[0] for earlier, later in pairwise(points))
    return steps[len(steps) // 2] if steps else 0


def path(points: Sequence[Point], frame: Frame) -> str:
    """An SVG path: one stroke for each stretch; a single point becomes a dot."""
    strokes = []
    for run in runs(points):
        places = [f"{frame.x(at):g} {frame.y(value):g}" for at, value in run]
        strokes.append(f"M{places[0]}" + ("".join(f"L{place}" for place in places[1:]) or "h0"))
    return "".join(strokes)


def nice_top(most: float) -> float:
    """The next of 1, 2 or 5 times a power of ten, so that a scale stands still while its values move."""
    power = 1.0
    while power < most:
        power *= 10
    return next((top for top in (power / 5, power / 2) if top >= most), power)


def summary(points: Sequence[Point]) -> Summary | None:
    """What the picture shows, in numbers."""
    known = [(value, at) for at, value in points if value is not None]
    if not known:
        return None
    most, most_at = max(known)
    return Summary(now=known[-1][0], least=min(known)[0], most=most, most_at=most_at)
