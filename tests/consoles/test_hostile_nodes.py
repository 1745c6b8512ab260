"""R-37, the node's side: whatever answers where a node should, the console ends with its sentence; others work on."""

from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from consoles.close_codes import BY_WORD
from consoles.models import ConsoleVisit
from tests.consoles.attacked import Field, Siege
from tests.consoles.conftest import House
from tests.consoles.hostile_nodes import ATTACKS, HostileNode, met
from tests.consoles.portal import serving
from tests.consoles.streams import eventually
from tests.figures import add_to_figure, figure, scaled
from vms.models import VirtualMachine

pytestmark = [pytest.mark.slow]

COUNT, WARM_UP = scaled(200, 8000), 100
GROWTH_MB, P95_MS = 20, 500
NODE = "pve2"
QUICK: dict[str, Any] = {
    "CONSOLE_UPGRADE_S": 1,
    "CONSOLE_HANDSHAKE_S": 1,
    "CONSOLE_PAUSED_S": 1,
    "CONSOLE_HEARTBEAT_S": 1,
}


def newest_end(vm: VirtualMachine) -> str:
    """How the newest visit at the machine ended; empty while it goes on."""
    visit = ConsoleVisit.objects.filter(vm=vm).order_by("-pk").first()
    return visit.end if visit else ""


def test_a_hostile_node_ends_one_console_by_its_own_code_and_no_other(house: House, tmp_path: Path) -> None:
    house.cluster.control("POST", "/windows", {"vnc_connect_window": 1.0})
    names, node = list(ATTACKS), HostileNode(house.cluster)

    async def one(vm: VirtualMachine, number: int) -> str:
        way = ATTACKS[names[number % len(names)]]
        node.plays[vm.vmid or 0] = way.play
        browser = await field.open(vm)
        try:
            code = await met(browser, way)
            word = await eventually(lambda: sync_to_async(newest_end)(vm), bool, within_s=20)
        finally:
            browser.close()
        right = word == way.end.word and code in {None, BY_WORD[word].code}
        return "" if right else f"{names[number % len(names)]}: {word} {code}"

    async def scenario() -> Siege:
        async with node.listening():
            return await field.besiege(names, one, COUNT, WARM_UP)

    with serving(house.cluster, tmp_path, PROXMOX_NODE_HOSTS=f"{NODE}=127.0.0.1:{node.port}", **QUICK) as portal:
        field = Field(house, portal, NODE)
        siege = house.run(scenario())

    assert siege.neighbour is not None
    p95_ms = round(siege.neighbour.p95_ms, 1)
    figure("R-37 nodes", "connections", siege.tried, "kinds", len(names), "growth_mb", siege.growth_mb,
           "neighbour keys", len(siege.neighbour.waits_s), "p95_ms", p95_ms)  # fmt: skip
    add_to_figure("R-37 live", connections=siege.tried, crashes=siege.crashes, hangs=len(siege.hangs))
    assert (siege.wrong, siege.hangs, siege.crashes) == ([], [], 0), field.complaints()[-3000:]
    assert siege.neighbour.unanswered == 0
    assert (siege.growth_mb <= GROWTH_MB, p95_ms <= P95_MS) == (True, True)
