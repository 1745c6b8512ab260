"""C-10, C-11, C-12: what it costs to carry a screen, how fast it goes, and what a key waits.

Against websockify with a TLS target and against nothing between; the naive consumer and nginx stand beside. Ours ends
RFB, filters, holds back and writes the audit; the others only carry bytes.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.children import FarEnd, Load
from tests.bench.house import House
from tests.bench.measuring import GB, flooded, interleaved, key_s, ratio, rounded, say, sized
from tests.bench.proxies import DIRECT, NAIVE, NGINX, OURS, WEBSOCKIFY, Way, ways
from tests.bench.wire import MIB

pytestmark = pytest.mark.bench

CPU_LIMIT, SPEED_LIMIT, KEY_LIMIT = 0.75, 0.75, 1.5
ROUNDS, FLOOD_MIB, KEYS = sized(5, 2), sized(256, 16), sized(1000, 50)
BESIDE = [NAIVE, *([NGINX] if shutil.which("nginx", path="/usr/sbin:/usr/bin") else [])]


@pytest.fixture
def five(rooms: House, far_end: FarEnd, tmp_path: Path) -> Iterator[list[Way]]:
    """All ways; nginx where it is installed."""
    with ways(rooms, far_end, tmp_path, DIRECT, OURS, WEBSOCKIFY, *BESIDE) as found:
        yield list(found.values())


def test_a_screen_costs_less_cpu_than_websockify_and_goes_nearly_as_fast_as_without_us(
    five: list[Way], load: Load
) -> None:
    speed: dict[str, list[float]] = {}

    def cpu_s_a_gb(way: Way) -> float:
        seconds, spent = flooded(load, way, FLOOD_MIB)
        speed.setdefault(way.name, []).append(FLOOD_MIB * MIB / 1e6 / seconds)
        return spent / (FLOOD_MIB * MIB / GB)

    cpu = interleaved(five, ROUNDS, cpu_s_a_gb)
    cpu_ratio, speed_ratio = ratio(cpu, OURS, WEBSOCKIFY), ratio(speed, OURS, DIRECT)

    spent = {f"{name}_cpu_s_per_gb": rounded(cpu[name]) for name in (OURS, WEBSOCKIFY)}
    say("C-10", cpu_ratio, CPU_LIMIT, {name: ratio(cpu, name, WEBSOCKIFY) for name in BESIDE}, **spent)
    fast = {f"{name}_mb_s": rounded(speed[name], digits=0) for name in (OURS, DIRECT)}
    say("C-11", speed_ratio, SPEED_LIMIT, {name: ratio(speed, name, DIRECT) for name in (WEBSOCKIFY, *BESIDE)}, **fast)
    assert cpu_ratio <= CPU_LIMIT
    assert speed_ratio >= SPEED_LIMIT


def test_a_key_waits_hardly_longer_than_with_websockify(five: list[Way], load: Load) -> None:
    took = interleaved(five, ROUNDS, lambda way: key_s(load, way, KEYS))
    added = {
        name: [mine - bare for mine, bare in zip(took[name], took[DIRECT], strict=True)]
        for name in took
        if name != DIRECT
    }
    added_ratio = ratio(added, OURS, WEBSOCKIFY)

    waited = {f"{name}_added_us": rounded(added[name], 1e6, 0) for name in (OURS, WEBSOCKIFY)}
    say("C-12", added_ratio, KEY_LIMIT, {name: ratio(added, name, WEBSOCKIFY) for name in BESIDE}, **waited)
    assert added_ratio <= KEY_LIMIT
