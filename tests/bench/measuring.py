"""Rounds, medians and ratios. BENCH_QUICK=1 takes a tenth: to see that a benchmark works, not what it says."""

import os
from collections.abc import Callable, Iterable
from statistics import median

from tests.bench.children import Load, cpu_s
from tests.bench.proxies import Way
from tests.figures import figure

QUICK = os.environ.get("BENCH_QUICK") == "1"
GB = 1e9


def sized(full: int, quick: int) -> int:
    """`full` for figures, `quick` to see that it works."""
    return quick if QUICK else full


def interleaved(ways: Iterable[Way], rounds: int, measure: Callable[[Way], float]) -> dict[str, list[float]]:
    """One measurement of each way in turn, again and again, so that all meet the same neighbours."""
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for way in ways:
            found.setdefault(way.name, []).append(measure(way))
    return found


def ratio(found: dict[str, list[float]], name: str, against: str) -> float:
    """The median of the ratios of each round."""
    return median(mine / other for mine, other in zip(found[name], found[against], strict=True))


def percentile(values: list[float], percent: float) -> float:
    """The smallest value that so many per cent do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


def flooded(load: Load, way: Way, mib: int) -> tuple[float, float]:
    """(seconds, CPU seconds of the proxy) for so many MiB through one console."""
    load("open", group="flood", targets=[way.target])
    load("flood", group="flood", mib=max(1, mib // 20))
    before = cpu_s(way.pid) if way.pid else 0.0
    seconds = load("flood", group="flood", mib=mib)["seconds"]
    spent = cpu_s(way.pid) - before if way.pid else 0.0
    load("close", group="flood")
    return seconds, spent


def key_s(load: Load, way: Way, count: int, pause_s: float = 0.0) -> float:
    """The median seconds from a key to its answer."""
    load("open", group="keys", targets=[way.target])
    took: list[float] = load("echo", group="keys", count=count, pause_s=pause_s)["took"]
    load("close", group="keys")
    return median(took)


def say(name: str, ratio: float, limit: float, beside: dict[str, float], **numbers: object) -> None:
    """One line of the summary: `C-10 ratio 0.61 limit 0.75 naive 2.70 nginx 0.45 ours_cpu_s_per_gb 1.31`."""
    known = [*((other, f"{value:.2f}") for other, value in beside.items()), *numbers.items()]
    figure(name, "ratio", f"{ratio:.2f}", "limit", limit, *(part for pair in known for part in pair))


def rounded(values: list[float], factor: float = 1.0, digits: int = 2) -> str:
    """Their median, for people."""
    return f"{median(values) * factor:.{digits}f}"
