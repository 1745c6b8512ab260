"""A console that is open: its frames, what ends it, and what takes others down with it."""

import asyncio

import pytest

from tests.devcluster.console_house import (
    House,
    opened,
    pve,
    task_of,
)
from tests.devcluster.rfb import handshake, press, request, update, within

__all__ = ["pve"]


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
