"""R-39: links that swallow everything and never end. No row stays open past the sign of life that did not come."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from asgiref.sync import sync_to_async

from consoles import close_codes
from consoles.models import ConsoleVisit
from tests.consoles.browser import Browser, headers
from tests.consoles.conftest import House
from tests.consoles.page.cable import Cable
from tests.consoles.portal import Portal, running_guest, serving
from tests.consoles.rfb.conversations import request
from tests.consoles.streams import eventually
from tests.figures import figure, scaled
from vms.models import VirtualMachine

pytestmark = [pytest.mark.slow]

#: With short windows the first are given up while the last are opened, if they are many.
FEW, MANY = 16, scaled(16, 200)
MACHINES = 4
#: Daphne looks every two seconds who is to be asked.
LOOKS_S = 2.0
SLACK_S, CONTROL_S = 6.0, 8.0


@pytest.fixture
def cable() -> Iterator[Cable]:
    laid = Cable()
    yield laid
    laid.close()


def open_rows() -> int:
    return ConsoleVisit.objects.filter(closed_at=None).count()


def ends() -> Counter[str]:
    return Counter(ConsoleVisit.objects.values_list("end", flat=True))


async def opened(house: House, portal: Portal, vm: VirtualMachine, port: int, number: int) -> Browser:
    """A link: of four, two show a still screen, one repaints, one has not begun its handshake."""
    house.vm = vm
    browser = await Browser.open(port, house.path, headers(portal.origin, house.cookie, await house.new_grant()))
    house.browsers.append(browser)
    if number % 4:
        await browser.start_console()
    if number % 4 == 1:
        browser.send(request(incremental=0))
    return browser


async def waits_for_none(within_s: float) -> float:
    """Seconds until no row is open any more."""
    began = time.monotonic()
    await eventually(sync_to_async(open_rows), lambda rows: rows == 0, within_s=within_s)
    return time.monotonic() - began


async def all_opened(house: House, portal: Portal, machines: list[VirtualMachine], port: int, links: int) -> None:
    """Opens every link, one after the other, because a machine has one password at a time."""
    for number in range(links):
        await opened(house, portal, machines[number % MACHINES], port, number)
    await eventually(sync_to_async(open_rows), lambda rows: rows >= links - links // 4)


@pytest.mark.parametrize(
    ("ping_s", "links"),
    [((1, 3), FEW), pytest.param((20, 60), MANY, marks=pytest.mark.soak)],
    ids=["quick", "true speed"],
)
def test_browsers_that_vanish_leave_no_row_open(
    house: House, tmp_path: Path, cable: Cable, ping_s: tuple[int, int], links: int
) -> None:
    machines = [house.vm, *(running_guest(house.cluster, house.cast.alices) for _ in range(MACHINES - 1))]
    handshake_s = min(10, ping_s[1])
    allowed_s = max(sum(ping_s) + 2 * LOOKS_S, handshake_s)

    async def scenario() -> float:
        await all_opened(house, portal, machines, cable.port, links)
        with cable.frozen():
            return await waits_for_none(allowed_s + SLACK_S)

    with serving(house.cluster, tmp_path, ping_s=ping_s, CONSOLE_HANDSHAKE_S=handshake_s) as portal:
        cable.portal_port = portal.port
        took_s = house.run(scenario())

    figure("R-39", "browsers", links, "ping", *ping_s, "rows_open_after_s", round(took_s, 1), "allowed_s", allowed_s)
    found = ends()
    assert found.keys() <= {close_codes.VANISHED.word, close_codes.TOO_SLOW.word, close_codes.BROWSER_BROKE.word}
    assert found[close_codes.VANISHED.word] >= links // 2


@pytest.mark.parametrize("silent_s", [2, pytest.param(45, marks=pytest.mark.soak)], ids=["quick", "true speed"])
def test_a_node_that_vanishes_leaves_no_row_open(house: House, tmp_path: Path, cable: Cable, silent_s: int) -> None:
    machines = [house.vm, *(running_guest(house.cluster, house.cast.alices, node=house.vm.node) for _ in range(3))]
    cable.portal_port = house.cluster.port
    nodes = ",".join(f"pve{n}=127.0.0.1:{cable.port}" for n in (1, 2, 3))
    allowed_s = round(silent_s * 4 / 3, 1)

    async def scenario() -> float:
        await all_opened(house, portal, machines, portal.port, MANY)
        with cable.frozen():
            return await waits_for_none(max(allowed_s, handshake_s) + SLACK_S)

    handshake_s = min(10, silent_s)
    with serving(
        house.cluster, tmp_path, PROXMOX_NODE_HOSTS=nodes, CONSOLE_NODE_SILENT_S=silent_s,
        CONSOLE_HANDSHAKE_S=handshake_s,
    ) as portal:  # fmt: skip
        took_s = house.run(scenario())

    figure("R-39", "nodes", MANY, "silent", silent_s, "rows_open_after_s", round(took_s, 1), "allowed_s", allowed_s)
    assert close_codes.LEFT.word not in ends()


def test_without_signs_of_life_the_rows_stay_open(house: House, tmp_path: Path, cable: Cable) -> None:
    async def scenario() -> int:
        await opened(house, portal, house.vm, cable.port, 2)
        await eventually(sync_to_async(open_rows), lambda rows: rows == 1)
        with cable.frozen(), pytest.raises(TimeoutError):
            await waits_for_none(CONTROL_S)
        return await sync_to_async(open_rows)()

    with serving(house.cluster, tmp_path, ping_s=(600, 600)) as portal:
        cable.portal_port = portal.port
        left = house.run(scenario())

    figure("R-39", "control", "without pings", "after_s", CONTROL_S, "rows_open", left)
    assert left == 1
