"""R-37, the browser's side: whatever a browser sends, it ends with its sentence, and nobody else notices."""

import random
from pathlib import Path

import pytest

from tests.consoles.attacked import Field
from tests.consoles.conftest import House
from tests.consoles.hostile_browsers import KINDS, attack
from tests.consoles.portal import serving
from tests.figures import add_to_figure, figure, scaled
from vms.models import VirtualMachine

pytestmark = [pytest.mark.slow]

COUNT, SEED = scaled(300, 12_000), 37
#: Until every thread of the process has worked and keeps what it needs.
WARM_UP = 200
GROWTH_MB, P95_MS = 20, 500


def test_a_hostile_browser_ends_by_its_own_code_and_the_neighbour_goes_on_typing(house: House, tmp_path: Path) -> None:
    names = list(KINDS)

    async def one(vm: VirtualMachine, number: int) -> str:
        browser = await field.open(vm)
        try:
            return await attack(browser, names[number % len(names)], random.Random(SEED + number))
        finally:
            browser.close()

    with serving(house.cluster, tmp_path, CONSOLE_HANDSHAKE_S=1, CONSOLE_HEARTBEAT_S=1) as portal:
        field = Field(house, portal)
        siege = house.run(field.besiege(names, one, COUNT, warm_up=WARM_UP))

    assert siege.neighbour is not None
    hangs, p95_ms = len(siege.hangs), round(siege.neighbour.p95_ms, 1)
    figure("R-37 browsers", "connections", siege.tried, "kinds", len(names), "growth_mb", siege.growth_mb,
           "neighbour keys", len(siege.neighbour.waits_s), "p95_ms", p95_ms)  # fmt: skip
    add_to_figure("R-37 live", connections=siege.tried, crashes=siege.crashes, hangs=hangs)
    assert (siege.wrong, siege.hangs, siege.crashes) == ([], [], 0), field.complaints()[-2000:]
    assert siege.neighbour.unanswered == 0
    assert (siege.growth_mb <= GROWTH_MB, p95_ms <= P95_MS) == (True, True)
    assert house.cluster.state("worker_deaths")["worker_deaths"] == 0
