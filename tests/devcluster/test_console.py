"""vncproxy and vncwebsocket: what a console needs, what it outlives, and what takes others down with it."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from devcluster.consoles import arrived_at
from devcluster.jobs import Job
from devcluster.state import Identity
from tests.devcluster.console_house import (
    OTHER_TOKEN,
    TOKEN,
    Caller,
    House,
    NoAnswer,
    UpgradeRefused,
    WebSocket,
    house,
)
from tests.devcluster.rfb import Screen, VncRefused, handshake, press, request, update, within

INVALID = (401, "permission denied - invalid PVEVNC ticket")


@pytest.fixture
async def pve(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as running:
        yield running


async def opened(pve: House, vmid: int = 100) -> tuple[WebSocket, Screen]:
    """A console whose screen is there."""
    socket, password = await pve.console(vmid)
    return socket, await handshake(socket, password)


async def task_of(pve: House, told: dict[str, str]) -> Job:
    """The vncproxy task, once it has ended."""
    job = pve.site.jobs.find(told["upid"])
    assert job is not None
    await within(job.ended.wait())
    return job


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


# Frames


async def test_frames_to_the_client_are_binary_whole_unmasked_and_at_most_128_kib(pve: House) -> None:
    socket, screen = await opened(pve)
    request(socket, screen)

    await update(socket)

    assert {first for first, _ in socket.frames} == {0x82}
    assert max(length for _, length in socket.frames) <= 131_072
    socket.close()


async def test_a_ping_is_answered_and_does_not_reach_the_guest(pve: House) -> None:
    socket, _ = await opened(pve)
    socket.write_frame(b"there?", first=0x89)

    assert await socket.read_frame() == (0x8A, b"there?")
    socket.close()


BROKEN = {
    "a fragment": {"payload": b"x", "first": 0x02},
    "a continuation": {"payload": b"x", "first": 0x80},
    "a reserved bit": {"payload": b"x", "first": 0xC2},
    "an unmasked frame": {"payload": b"x", "masked": False},
    "more than 128 KiB": {"payload": b"x" * 131_073},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
async def test_a_frame_the_proxy_does_not_survive_ends_all_consoles_of_its_worker(
    pve: House, broken: dict[str, bytes | int | bool]
) -> None:
    consoles = [await opened(pve, vmid) for vmid in (100, 101, 102, 100)]
    sockets = [socket for socket, _ in consoles]
    workers = [row.extra["worker"] for row in pve.site.cluster.consoles]

    sockets[0].write_frame(**broken)  # type: ignore[arg-type]

    assert workers == [0, 1, 2, 0]
    assert [await sockets[0].ends(), await sockets[3].ends()] == [b"", b""]
    request(sockets[1], consoles[1][1])
    assert await update(sockets[1])
    assert pve.site.cluster.meters.worker_deaths == 1
    for socket in sockets:
        socket.close()


async def test_a_frame_of_exactly_128_kib_is_fine(pve: House) -> None:
    socket, screen = await opened(pve)
    keys = b"\x05\0\0\x01\0\x01" * 21_845 + b"\x03\0"  # pointer events, and the first two bytes of a request
    socket.write_frame(keys)
    socket.write_frame(b"\0\0\0\0" + screen.width.to_bytes(2, "big") + screen.height.to_bytes(2, "big"))

    assert len(keys) == 131_072
    assert await update(socket)
    socket.close()


# The end


async def test_a_machine_that_stops_ends_the_stream_without_a_close_frame(pve: House) -> None:
    told = await pve.vncproxy()
    socket = await pve.upgrade(told)
    await handshake(socket, told["password"])

    await pve.card(100).stop()

    assert await socket.ends() == b""
    assert (await task_of(pve, told)).exitstatus == "OK"
    socket.close()


@pytest.mark.parametrize(
    ("vmid", "config", "line"),
    [
        (103, {}, "VM 103 not running"),
        (100, {"vga": "none"}, "VM 100 qmp command 'set_password' failed - Could not set password"),
    ],
    ids=["stopped", "no display"],
)
async def test_a_machine_without_a_screen_is_upgraded_and_then_just_ends(
    pve: House, vmid: int, config: dict[str, str], line: str
) -> None:
    pve.guest(vmid).config.update(config)
    told = await pve.vncproxy(vmid)

    socket = await pve.upgrade(told, vmid=vmid)

    assert await socket.ends() == b""
    job = await task_of(pve, told)
    assert (job.exitstatus, job.log[0]) == ("Failed to run vncproxy.", line)
    socket.close()


async def test_a_silent_console_is_cut_after_a_quarter_of_an_hour_and_pings_do_not_help(pve: House) -> None:
    socket, _ = await opened(pve)
    pve.site.clock.advance(899)
    socket.write_frame(b"", first=0x89)
    assert await socket.read_frame() == (0x8A, b"")

    pve.site.clock.advance(2)

    assert await socket.ends() == b""
    socket.close()


async def test_an_rfb_byte_keeps_a_console_alive(pve: House) -> None:
    socket, screen = await opened(pve)
    pve.site.clock.advance(899)
    request(socket, screen)
    await update(socket)

    pve.site.clock.advance(899)

    request(socket, screen)
    assert await update(socket)
    socket.close()


async def test_a_stream_can_be_dropped_on_demand(pve: House) -> None:
    socket, _ = await opened(pve)
    other, screen = await opened(pve, 101)

    assert pve.site.desk.drop(100) == 1

    assert await socket.ends() == b""
    request(other, screen)
    assert await update(other)
    socket.close()
    other.close()


async def test_what_a_slow_client_does_not_read_piles_up_without_limit(pve: House) -> None:
    await pve.card(100).firehose(200)
    socket, screen = await opened(pve)
    socket.stop_reading()

    async def keep_asking() -> None:
        while pve.site.cluster.meters.bytes_waiting_max < 20_000_000:
            request(socket, screen, incremental=True)
            await asyncio.sleep(0.005)

    await within(keep_asking())

    assert pve.site.cluster.meters.bytes_waiting_max >= 20_000_000
    socket.close()


async def test_a_deaf_console_stops_reading_from_its_client(pve: House) -> None:
    socket, screen = await opened(pve)
    pve.site.desk.set_deaf(100, True)
    request(socket, screen)
    await update(socket)

    press(socket, "unheard" * 100)
    request(socket, screen)

    with pytest.raises(TimeoutError):
        await within(update(socket), 0.2)
    socket.close()
