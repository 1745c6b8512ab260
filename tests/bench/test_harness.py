"""The benchmarks' own machinery, in small: each way carries every byte, and counts and arithmetic are right."""

from pathlib import Path

import pytest

from tests.bench.children import FarEnd, Load, cpu_s, pss_bytes
from tests.bench.house import House
from tests.bench.measuring import percentile, ratio
from tests.bench.proxies import DIRECT, NAIVE, OURS, WEBSOCKIFY, Way, ways
from tests.bench.table import table

WAYS = (DIRECT, OURS, WEBSOCKIFY, NAIVE)


def carried(load: Load, way: Way) -> tuple[int, int, int]:
    """(bytes of a flood, keys answered, consoles that ended) for two consoles of this way."""
    load("open", group="all", targets=way.targets(2))
    begun = load("count", group="all")["bytes"]
    load("flood", group="all", mib=1)
    keys = len(load("echo", group="all", count=3, warm_up=0)["took"])
    seen = load("count", group="all")
    load("close", group="all")
    return seen["bytes"] - begun - keys * 32, keys, seen["ended"]


def test_each_way_carries_every_byte_and_every_key(rooms: House, far_end: FarEnd, load: Load, tmp_path: Path) -> None:
    with ways(rooms, far_end, tmp_path, *WAYS) as found:
        assert {name: carried(load, way) for name, way in found.items()} == dict.fromkeys(WAYS, (1024 * 1024, 6, 0))
        measured = [way.pid for way in found.values() if way.pid]

        assert min(map(cpu_s, measured)) > 0
        assert min(map(pss_bytes, measured)) > 1_000_000


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    assert ratio({"a": [1, 2, 30], "b": [2, 2, 10]}, "a", "b") == 1.0


@pytest.mark.parametrize(("percent", "value"), [(50, 51), (95, 96), (99, 100), (100, 100)])
def test_a_percentile_is_a_value_that_was_measured(percent: int, value: int) -> None:
    assert percentile([float(n) for n in range(1, 101)], percent) == value


def test_the_table_has_a_row_for_each_figure_of_consoles() -> None:
    text = table(["C-10 ratio 0.61 limit 0.75 naive 2.70", "R-01 requests 3", "C-14 p99_ms 7.5 limit 50.0 p50_ms 1.2"])

    assert "| C-10 | CPU seconds per GB, of websockify's | ≤ 0.75 | **0.61** | naive 2.70 |" in text
    assert "| ≤ 50 | **7.5** | p50 ms 1.2 |" in text
    assert "R-01" not in text
