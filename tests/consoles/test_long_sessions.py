"""A quiet console outlives Proxmox's cut of idle ones; the console process serves consoles and nothing else."""

import asyncio
from pathlib import Path

import httpx
import pytest

from consoles import close_codes
from tests.consoles.conftest import House
from tests.consoles.portal import Portal, serving
from tests.consoles.rfb.conversations import KEY_A
from tests.consoles.streams import eventually
from tests.figures import figure

CUT_S, PROXMOX_CUT_S = 2.0, 900.0


@pytest.mark.parametrize(("keep_alive_s", "ends"), [(0.5, False), (600, True)])
def test_a_quiet_console_is_kept_alive_towards_the_node(
    house: House, tmp_path: Path, keep_alive_s: float, ends: bool
) -> None:
    house.cluster.control("POST", "/windows", {"vnc_idle_cut": CUT_S})

    async def scenario(portal: Portal) -> int | None:
        browser = await house.open_at(portal)
        await browser.start_console()
        try:
            return await browser.read_to_end(within_s=2.5 * CUT_S)
        except TimeoutError:
            return None

    with serving(house.cluster, tmp_path, CONSOLE_KEEPALIVE_S=keep_alive_s) as portal:
        assert house.run(scenario(portal)) == (close_codes.NODE_ENDED.code if ends else None)


@pytest.mark.soak
def test_a_hidden_tab_outlives_the_cut_at_true_speed(house: House, tmp_path: Path) -> None:
    async def scenario(portal: Portal) -> list[int]:
        browser = await house.open_at(portal)
        await browser.start_console()
        with pytest.raises(TimeoutError):
            await browser.read_to_end(within_s=PROXMOX_CUT_S + 60)
        browser.send(KEY_A)
        return await eventually(house.keys, lambda keys: keys == [0x61])

    with serving(house.cluster, tmp_path, ping_s=(20, 60)) as portal:
        assert house.run(scenario(portal)) == [0x61]
    figure("wire rules", "hidden tab", "quiet_s", int(PROXMOX_CUT_S + 60), "ended", 0)


def test_the_console_process_serves_consoles_and_no_pages(house: House, tmp_path: Path) -> None:
    async def scenario(portal: Portal) -> list[int]:
        browser = await house.open_at(portal)
        await browser.start_console(KEY_A)
        await eventually(house.keys, lambda keys: keys == [0x61])
        async with httpx.AsyncClient(base_url=portal.origin, trust_env=False) as client:
            answers = await asyncio.gather(*(client.get(path) for path in ("/healthz", "/", "/accounts/login/")))
        return [answer.status_code for answer in answers]

    with serving(house.cluster, tmp_path, "vmportal.asgi_consoles:application", VMPORTAL_ROLE="consoles") as portal:
        assert house.run(scenario(portal)) == [200, 404, 404]
