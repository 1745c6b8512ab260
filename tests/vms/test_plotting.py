"""Pictures out of numbers: gaps stay gaps, scales stand still, nothing becomes a zero."""

from hypothesis import given
from hypothesis import strategies as st

from vms.plotting import HEIGHT, WIDTH, Frame, nice_top, path, runs, summary, thinned

FRAME = Frame(0, 600, 1.0)
VALUES = st.one_of(st.none(), st.floats(0, 1e12, allow_nan=False))
POINTS = st.lists(VALUES, max_size=300).map(lambda values: [(60 * n, value) for n, value in enumerate(values)])


def test_a_gap_lifts_the_pen() -> None:
    points = [(0, 0.5), (60, 0.5), (120, None), (180, 0.5), (240, 0.5)]
    assert path(points, FRAME) == "M0 48L60 48M180 48L240 48"


def test_a_pause_without_rows_is_a_gap_too() -> None:
    points = [(0, 0.1), (60, 0.1), (120, 0.1), (480, 0.1), (540, 0.1)]
    assert [len(run) for run in runs(points)] == [3, 2]


def test_a_single_point_is_a_dot() -> None:
    assert path([(300, 1.0)], FRAME) == "M300 1h0"


def test_nothing_measured_draws_and_says_nothing() -> None:
    assert (path([(0, None), (60, None)], FRAME), summary([(0, None)])) == ("", None)


def test_the_sum_says_now_least_most_and_when() -> None:
    found = summary([(0, 0.2), (60, 0.9), (120, None), (180, 0.4)])
    assert found is not None
    assert (found.now, found.least, found.most, found.most_at) == (0.4, 0.2, 0.9, 60)


def test_thinning_means_what_was_measured_and_keeps_gaps() -> None:
    points = [(n, float(n)) for n in range(4)] + [(n, None) for n in range(4, 8)]
    assert thinned(points, 4) == [(1, 0.5), (3, 2.5), (5, None), (7, None)]


@given(POINTS)
def test_every_path_stays_inside_its_picture(points: list[tuple[int, float | None]]) -> None:
    frame = Frame(0, 60 * 300, 1000.0)
    for run in runs(points):
        assert all(0 <= frame.x(at) <= WIDTH and 0 <= frame.y(value) <= HEIGHT for at, value in run)
    assert path(points, frame).count("M") == len(list(runs(points)))


@given(POINTS)
def test_no_measurement_is_invented_by_thinning(points: list[tuple[int, float | None]]) -> None:
    known = [value for _at, value in points if value is not None]
    kept = [value for _at, value in thinned(points) if value is not None]
    assert bool(kept) == bool(known)
    assert all(min(known) * 0.999 <= value <= max(known) * 1.001 for value in kept)


@given(st.floats(1e-3, 1e15))
def test_a_scale_holds_its_values_and_wastes_little(most: float) -> None:
    assert most <= nice_top(most) * 1.0000001
    assert nice_top(most) <= max(1.0, most * 2.5000001)
