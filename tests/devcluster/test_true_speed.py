"""The stand-in's windows once at their true length; everywhere else tests shorten them or move the clock."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devcluster.settings import Windows
from tests.devcluster.console_house import House, NoAnswer, UpgradeRefused, house
from tests.devcluster.rfb import VncRefused, handshake
from tests.figures import figure

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]
TRUE = Windows()


@contextlib.asynccontextmanager
async def at_true_speed(folder: Path) -> AsyncIterator[House]:
    """A stand-in with none of its windows shortened."""
    names = ("vnc_start_delay", "vnc_stopped_eof", "auth_delay", "upgrade_silence")
    async with house(folder, **{name: getattr(TRUE, name) for name in names}) as pve:
        yield pve


async def passes(seconds: float) -> None:
    """Real time: what this file is about."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)


async def test_a_wrong_token_waits_three_seconds(tmp_path: Path) -> None:
    async with at_true_speed(tmp_path) as pve:
        began = time.monotonic()
        status, _, _ = await pve.call("GET", "/version", token="PVEAPIToken=portal@pve!portal=wrong")
        waited_s = time.monotonic() - began

    figure("true-speed", "auth_delay_s", round(waited_s, 1))
    assert status == 401
    assert 2.9 <= waited_s < 6


async def test_a_port_is_given_up_after_ten_seconds_and_the_late_caller_hears_nothing_for_five(tmp_path: Path) -> None:
    async with at_true_speed(tmp_path) as pve:
        told = await pve.vncproxy()
        await passes(TRUE.vnc_connect_window + 0.5)
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            await pve.upgrade(told)
        waited_s = time.monotonic() - began

    figure("true-speed", "connect_window_s", TRUE.vnc_connect_window, "silence_s", round(waited_s, 1))
    assert 4.9 <= waited_s < 8


async def test_a_password_lasts_thirty_seconds_and_a_ticket_forty(tmp_path: Path) -> None:
    async with at_true_speed(tmp_path) as pve:
        socket, password = await pve.console(100)
        told = await pve.vncproxy(101)
        await passes(TRUE.vnc_start_delay + TRUE.vnc_password_valid + 1)
        with pytest.raises(VncRefused, match="Authentication failed"):
            await handshake(socket, password)
        socket.close()
        await passes(TRUE.ticket_valid - TRUE.vnc_password_valid)
        with pytest.raises((UpgradeRefused, NoAnswer)):
            await pve.upgrade(told, vmid=101)

    figure("true-speed", "password_s", TRUE.vnc_password_valid, "ticket_s", TRUE.ticket_valid)


async def test_a_silent_console_is_cut_after_nine_hundred_seconds(tmp_path: Path) -> None:
    async with at_true_speed(tmp_path) as pve:
        socket, password = await pve.console()
        await handshake(socket, password)
        began = time.monotonic()
        await passes(TRUE.vnc_idle_cut - 5)
        socket.write_frame(b"", first=0x89)
        assert await socket.read_frame() == (0x8A, b"")
        await passes(6)
        assert await socket.ends() == b""
        lasted_s = time.monotonic() - began

    figure("true-speed", "idle_cut_s", round(lasted_s))
    assert 899 <= lasted_s < 910
