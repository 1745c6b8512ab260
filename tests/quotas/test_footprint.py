"""Footprints: plain arithmetic."""

from hypothesis import given
from hypothesis import strategies as st

from quotas.errors import QuotaExceeded
from quotas.footprint import Footprint

numbers = st.integers(min_value=-100, max_value=100)
footprints = st.builds(Footprint, numbers, numbers, numbers, numbers)


@given(footprints, footprints)
def test_adding_and_taking_away_are_opposites(one: Footprint, other: Footprint) -> None:
    assert one + other - other == one


@given(footprints, footprints)
def test_what_fits_has_no_shortfall_and_what_does_not_has_one(asked: Footprint, free: Footprint) -> None:
    fits = all(
        a <= 0 or a <= f
        for a, f in zip(
            (asked.cores, asked.memory_mib, asked.disk_gib, asked.vms),
            (free.cores, free.memory_mib, free.disk_gib, free.vms),
            strict=True,
        )
    )

    assert asked.shortfall(free).is_nothing == fits


def test_shrinking_fits_even_when_a_limit_was_cut_below_the_use() -> None:
    assert Footprint(cores=-1).shortfall(Footprint(cores=-3)).is_nothing


def test_a_refusal_says_what_is_missing_in_numbers() -> None:
    refusal = QuotaExceeded(
        asked=Footprint(cores=4, memory_mib=1536, disk_gib=20, vms=1),
        free=Footprint(cores=2, memory_mib=1024, disk_gib=100, vms=9),
        limit=Footprint(cores=8, memory_mib=8192, disk_gib=250, vms=10),
    )

    assert refusal.sentence == (
        "This needs 4 cores; 2 of 8 are free. This needs 1.5 GiB of memory; 1 GiB of 8 GiB are free."
    )
