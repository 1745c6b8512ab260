"""vncproxy and the way to its port: tickets, passwords, rights, and who may come when."""

import asyncio
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from devcluster.consoles import arrived_at
from devcluster.state import Identity
from tests.devcluster.console_house import (
    OTHER_TOKEN,
    TOKEN,
    Caller,
    House,
    NoAnswer,
    UpgradeRefused,
    house,
    opened,
    pve,
    task_of,
)
from tests.devcluster.rfb import VncRefused, handshake, press, request, update, within

__all__ = ["pve"]
INVALID = (401, "permission denied - invalid PVEVNC ticket")


async def refused(pve: House, told: dict[str, str], **how: str | int) -> tuple[int, str]:
    with pytest.raises(UpgradeRefused) as refusal:
        await pve.upgrade(told, **how)  # type: ignore[arg-type]
    return refusal.value.status, refusal.value.reason


# What vncproxy tells


async def test_vncproxy_tells_ticket_port_password_and_a_running_task(pve: House) -> None:
    told = await pve.vncproxy()

    assert sorted(told) == ["cert", "password", "port", "ticket", "upid", "user"]
    assert (told["port"], told["user"]) == ("5900", "portal@pve!portal")
    assert told["ticket"].startswith(told["password"] + ":PVEVNC:")
    job = pve.site.jobs.find(told["upid"])
    assert job is not None
    assert (job.type, job.id, job.running) == ("vncproxy", "100", True)


async def test_an_older_release_tells_a_password_only_on_request(tmp_path: Path) -> None:
    async with house(tmp_path, profile="8.4.1") as pve:
        asked, told = await pve.vncproxy(100, TOKEN, **{"generate-password": 1}), await pve.vncproxy()

        assert "password" not in told
        assert re.fullmatch(r"PVEVNC:[0-9A-F]{8}::\S{344}", told["ticket"])
        assert len(asked["password"]) == 8
        socket = await pve.upgrade(told)
        assert await handshake(socket, told["ticket"])
        socket.close()


async def test_an_older_ticket_opens_any_port_of_its_machine(tmp_path: Path) -> None:
    async with house(tmp_path, profile="8.4.1") as pve:
        first, second = await pve.vncproxy(), await pve.vncproxy()

        socket = await pve.upgrade({**second, "ticket": first["ticket"]})

        socket.close()


async def test_vncproxy_needs_the_right_to_the_console(pve: House) -> None:
    pve.site.cluster.acl.clear()

    status, reason, _ = await pve.call("POST", "/nodes/pve1/qemu/100/vncproxy")

    assert (status, reason) == (403, "Permission check failed (/vms/100, VM.Console)")


# The ticket


async def test_the_whole_way_leads_to_a_screen_that_answers(pve: House) -> None:
    socket, screen = await opened(pve)
    press(socket, "hello\n")
    request(socket, screen)

    await update(socket)

    assert socket.subprotocol == "binary"
    assert pve.card(100).serial_text().endswith("typed: hello\n")
    socket.close()


async def test_the_bare_ticket_without_the_password_is_good_too(pve: House) -> None:
    told = await pve.vncproxy()
    socket = await pve.upgrade({**told, "ticket": told["ticket"][9:]})

    assert await handshake(socket, told["password"])
    socket.close()


async def test_a_ticket_is_refused_to_another_identity_machine_and_port(pve: House) -> None:
    told, other = await pve.vncproxy(), await pve.vncproxy()

    assert await refused(pve, told, token=OTHER_TOKEN) == INVALID
    assert await refused(pve, told, vmid=101) == INVALID
    assert await refused(pve, {**told, "port": other["port"]}) == INVALID
    assert await refused(pve, {**told, "ticket": told["ticket"][:-3] + "AA="}) == INVALID


async def test_a_ticket_is_over_after_forty_seconds(tmp_path: Path) -> None:
    async with house(tmp_path, vnc_connect_window=1000) as pve:
        told = await pve.vncproxy()
        pve.site.clock.advance(41)

        assert await refused(pve, told) == INVALID


async def test_a_wrong_ticket_is_answered_late(tmp_path: Path) -> None:
    async with house(tmp_path, auth_delay=100) as pve:
        told = await pve.vncproxy()

        asking = asyncio.create_task(refused(pve, {**told, "ticket": "PVEVNC:wrong"}))
        while pve.site.cluster.meters.requests["GET /nodes/{node}/qemu/{vmid}/vncwebsocket"] == 0:
            await pve.call("GET", "/version")
        assert not asking.done()
        pve.site.clock.advance(100)

        assert await within(asking) == INVALID


async def test_a_missing_ticket_and_one_that_is_not_encoded_are_refused(pve: House) -> None:
    told = await pve.vncproxy()
    plain = '&%+#"\\:`:PVEVNC' + told["ticket"][15:]

    assert (await refused(pve, told, query=f"port={told['port']}"))[0] == 400
    assert (await refused(pve, told, query=f"port={told['port']}&vncticket={plain.replace(' ', '')}"))[0] in (400, 401)
    assert (await refused(pve, told, query=f"vncticket={quote(told['ticket'], safe='')}"))[0] == 400


# The port


async def test_a_port_is_given_up_when_nobody_came_in_time(pve: House) -> None:
    told = await pve.vncproxy()
    pve.site.clock.advance(12)

    job = await task_of(pve, told)
    with pytest.raises(NoAnswer):
        await pve.upgrade(told)

    assert (job.exitstatus, job.log) == ("connection timed out", ["TASK ERROR: connection timed out"])
    assert pve.site.cluster.meters.worker_deaths == 1


async def test_eight_seconds_late_is_early_enough(pve: House) -> None:
    told = await pve.vncproxy()
    pve.site.clock.advance(8)

    socket = await pve.upgrade(told)

    assert await handshake(socket, told["password"])
    socket.close()


async def test_a_port_takes_one_connection_and_the_second_gets_no_answer(pve: House) -> None:
    told = await pve.vncproxy()
    socket = await pve.upgrade(told)

    with pytest.raises(NoAnswer):
        await pve.upgrade(told)

    assert pve.site.cluster.meters.worker_deaths == 1
    assert await handshake(socket, told["password"])
    socket.close()


async def test_consoles_that_wait_have_ports_of_their_own(pve: House) -> None:
    ports = [(await pve.vncproxy(vmid))["port"] for vmid in (100, 100, 101)]

    assert ports == ["5900", "5901", "5902"]


async def test_a_host_has_a_hundred_ports_and_gives_them_out_again(pve: House) -> None:
    arrived_at.set(pve.port)
    for _ in range(100):
        pve.site.desk.open(pve.guest(100), Identity("portal@pve", "portal"))

    status, reason, _ = await pve.call("POST", "/nodes/pve1/qemu/100/vncproxy")
    pve.site.clock.advance(12)

    assert (status, reason) == (500, "unable to find free port (5900-5999)")
    assert (await pve.vncproxy())["port"] == "5900"


async def test_a_console_belongs_to_the_host_that_was_asked(tmp_path: Path) -> None:
    async with house(tmp_path, ports=2) as pve:
        told = await pve.vncproxy()
        elsewhere = Caller(pve.server.ports[1], pve.trust)

        with pytest.raises(NoAnswer):
            await elsewhere.upgrade(told)
        socket = await pve.upgrade(told)

        socket.close()


# The password


async def test_a_second_viewer_takes_the_password_of_the_first(pve: House) -> None:
    """One password per machine: who has not authenticated when the next one connects, cannot any more."""
    first, first_password = await pve.console()
    second, second_password = await pve.console()
    assert await second.read_exactly(12) == b"RFB 003.008\n"

    with pytest.raises(VncRefused, match="Authentication failed"):
        await handshake(first, first_password)

    assert first_password != second_password
    first.close()
    second.close()


async def test_two_viewers_one_after_the_other_both_see_the_screen(pve: House) -> None:
    first, screen = await opened(pve)
    second, _ = await opened(pve)

    request(first, screen)

    assert await update(first)
    first.close()
    second.close()


async def test_a_password_lasts_thirty_seconds(pve: House) -> None:
    socket, password = await pve.console()
    assert await socket.read_frame() == (0x82, b"RFB 003.008\n")
    pve.site.clock.advance(32)

    with pytest.raises(VncRefused, match="Authentication failed"):
        await handshake(socket, password)
    socket.close()
