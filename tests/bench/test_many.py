"""C-13, C-14, C-15: many consoles in one process, and a slow query beside them."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest

from tests.bench.children import FarEnd, Load, cpu_s, pss_bytes
from tests.bench.house import House
from tests.bench.measuring import percentile, say, sized
from tests.bench.proxies import NAIVE, OURS, WEBSOCKIFY, Way, direct, naive, ours, ways
from tests.figures import figure

pytestmark = pytest.mark.bench

MEMORY_LIMIT, P99_LIMIT_MS, DELAY_LIMIT_MS = 0.03, 50.0, 20.0
IDLE, IDLE_WEBSOCKIFY = sized(200, 20), sized(20, 4)
#: Two updates a second of 125 kB each are 2 Mbit/s.
CONSOLES, UPDATE_KIB, UPDATES_PER_S, PROBES = sized(600, 40), 122, 2, 4
PROBED, PROBE_PAUSE_S, PROBE_ROUNDS = sized(250, 20), 0.02, 3


def opened(load: Load, way: Way, group: str, count: int) -> None:
    """So many consoles, in portions, because a grant is good for seconds."""
    for first in range(0, count, 50):
        load("open", group=group, targets=way.targets(min(50, count - first)))


def bytes_each(load: Load, way: Way, count: int) -> float:
    """What one idle console takes of the proxy's memory."""
    opened(load, way, "first", 2)
    before = pss_bytes(way.pid)
    opened(load, way, "idle", count)
    load("echo", group="idle", count=3, warm_up=1)
    taken = (pss_bytes(way.pid) - before) / count
    load("close", group="idle")
    return taken


def test_an_idle_console_takes_a_small_part_of_websockifys_memory(
    rooms: House, far_end: FarEnd, load: Load, tmp_path: Path
) -> None:
    with ways(rooms, far_end, tmp_path, OURS, WEBSOCKIFY, NAIVE) as found:
        taken = {name: bytes_each(load, way, IDLE) for name, way in found.items() if name != WEBSOCKIFY}
        taken[WEBSOCKIFY] = bytes_each(load, found[WEBSOCKIFY], IDLE_WEBSOCKIFY)
    ratio = taken[OURS] / taken[WEBSOCKIFY]

    kib = {f"{name}_kib": round(taken[name] / 1024) for name in (OURS, NAIVE, WEBSOCKIFY)}
    say("C-13", ratio, MEMORY_LIMIT, {NAIVE: taken[NAIVE] / taken[WEBSOCKIFY]}, **kib)
    assert ratio <= MEMORY_LIMIT


@dataclass(frozen=True)
class Moving:
    """What keys took beside the moving screens, what each of those got, and the share of a processor it cost."""

    took_s: list[list[float]]
    mbit_s: float
    cpu: float
    ended: int

    def ms(self, percent: float) -> float:
        """So many per cent of the keys took no longer: the median of the rounds."""
        return round(median(percentile(took, percent) for took in self.took_s) * 1000, 1)

    @property
    def worst_ms(self) -> float:
        """The p99 of the round that the machine held up most."""
        return round(max(percentile(took, 99) for took in self.took_s) * 1000, 1)


def moving(load: Load, way: Way) -> Moving:
    """All screens repaint, and somebody types at a few other consoles."""
    opened(load, way, "probes", PROBES)
    opened(load, way, "screens", CONSOLES)
    load("stream", group="screens", kib=UPDATE_KIB, per_s=UPDATES_PER_S)
    begun, spent, seen = time.perf_counter(), spent_s(way), load("count", group="screens")["bytes"]
    probe = {"group": "probes", "count": PROBED, "pause_s": PROBE_PAUSE_S}
    took = [load("echo", **probe)["took"] for _ in range(PROBE_ROUNDS)]
    seconds, spent = time.perf_counter() - begun, spent_s(way) - spent
    now = load("count", group="screens")
    for group in ("probes", "screens"):
        load("close", group=group)
    return Moving(took, (now["bytes"] - seen) * 8e-6 / seconds / CONSOLES, spent / seconds, now["ended"])


def spent_s(way: Way) -> float:
    """CPU seconds of what stands between, if anything does."""
    return cpu_s(way.pid) if way.pid else 0.0


def test_six_hundred_moving_screens_leave_a_key_its_way(
    rooms: House, far_end: FarEnd, load: Load, tmp_path: Path
) -> None:
    with ours(rooms, far_end, tmp_path) as way:
        rooms.furnish(CONSOLES + PROBES)
        through = moving(load, way)
    with direct(far_end) as way:
        bare = moving(load, way)

    figure("C-14", "p99_ms", through.ms(99), "limit", P99_LIMIT_MS, "worst_round_ms", through.worst_ms,
           "p50_ms", through.ms(50), "consoles", CONSOLES, "mbit_s_each", f"{through.mbit_s:.2f}",
           "cpu_percent", round(100 * through.cpu), "direct_p99_ms", bare.ms(99),
           "direct_p50_ms", bare.ms(50))  # fmt: skip
    assert (through.ended, bare.ended) == (0, 0)
    assert min(through.mbit_s, bare.mbit_s) >= 1.9
    assert through.ms(99) <= P99_LIMIT_MS


@contextmanager
def slow_queries(port: int, count: int) -> Iterator[list[float]]:
    """One slow query after the other in the process at this port, for the length of the block; their seconds."""
    took: list[float] = []

    def ask() -> None:
        for _ in range(count):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/slow")
            took.append(float(connection.getresponse().read()))
            connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield took
    finally:
        thread.join()


def worst_key_ms(load: Load, queries: int, port: int) -> float:
    """The most that a key waited within a second, with so many slow queries in it."""
    with slow_queries(port, queries) as seconds:
        took: list[float] = load("echo", group="keys", count=sized(100, 50), pause_s=0.01, warm_up=0)["took"]
    assert not seconds or min(seconds) >= 1.0
    return max(took) * 1000


def delay_ms(load: Load, way: Way) -> float:
    """What a slow query adds to the key that waits longest; seconds with and without one in turn."""
    target = way.target
    load("open", group="keys", targets=[target])
    load("echo", group="keys", count=20)
    rounds = [[worst_key_ms(load, queries, target["port"]) for queries in (0, 1)] for _ in range(sized(7, 2))]
    load("close", group="keys")
    return median(with_query - without for without, with_query in rounds)


def test_a_slow_query_in_the_same_process_does_not_hold_a_key_up(
    rooms: House, far_end: FarEnd, load: Load, tmp_path: Path
) -> None:
    with ours(rooms, far_end, tmp_path, "tests.bench.slow_consoles:application") as way, naive(far_end) as other:
        delayed, control = delay_ms(load, way), delay_ms(load, other)

    figure("C-15", "delay_ms", f"{delayed:.1f}", "limit", DELAY_LIMIT_MS, "naive_delay_ms", f"{control:.0f}")
    assert delayed <= DELAY_LIMIT_MS
    assert control > 500
