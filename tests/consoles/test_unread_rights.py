"""R-36: rights that cannot be read, and a door where strangers queue."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError
from pytest_django import Settings

from consoles import authority, close_codes, consumers, threads
from consoles.authority import Authority
from consoles.consumers import Console, ConsoleConsumer
from consoles.lookout import Lookout
from consoles.visits import Look
from vms.cluster.types import GuestRef

SOCKETS = 40
MACHINE = uuid.UUID(int=7)
ALICE = Authority(1, "alice", "a-session", 7, MACHINE, "", GuestRef("pve1", 107, str(MACHINE), "alice"))


async def answered(*args: Any) -> list[Look]:
    return [Look()]


async def broken(*args: Any) -> list[Look]:
    raise OperationalError("the database is away")


async def silent(*args: Any) -> list[Look]:
    await asyncio.Event().wait()  # it neither answers nor breaks off
    return []


async def nothing(*message: Any) -> Any: ...


@pytest.mark.parametrize(("database", "ends"), [(answered, False), (broken, True), (silent, True)])
async def test_rights_that_cannot_be_read_for_a_while_are_lost(
    database: Any, ends: bool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CONSOLE_RECHECK_S = 0.02
    monkeypatch.setattr(consumers, "UNCHECKED_S", 1.0)
    monkeypatch.setattr(consumers, "_LOOKOUT", Lookout(database))
    console = Console(ALICE, {}, nothing, nothing)

    watching = asyncio.ensure_future(console._watch_rights())
    await asyncio.wait({watching}, timeout=8 if ends else 1.5)

    assert (watching.done(), console._bridge.ended.done()) == (ends, ends)
    assert not ends or console._bridge.ended.result() == close_codes.UNCHECKED
    watching.cancel()


@pytest.mark.parametrize(("door", "is_read"), [(threads.at_door, True), (threads.in_database, False)])
async def test_strangers_who_queue_at_the_door_do_not_keep_rights_from_being_read(
    door: Callable[..., Any], is_read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: where both use the same threads, rights wait for the strangers."""
    gate = threading.Event()
    monkeypatch.setattr(consumers, "at_door", door)
    monkeypatch.setattr(authority, "settle", lambda *asked: gate.wait(20) and None)
    scope = {"subprotocols": ["vmportal.v1", "grant.x"], "url_route": {"kwargs": {"vm_id": 7}}, "headers": [
        (b"origin", settings.CSRF_TRUSTED_ORIGINS[0].encode()), (b"cookie", b"sessionid=abc")]}  # fmt: skip
    strangers = [asyncio.ensure_future(ConsoleConsumer()._settle(scope)) for _ in range(SOCKETS)]
    await asyncio.sleep(0.05)

    reading = asyncio.ensure_future(threads.in_database(lambda: 1))
    done, _ = await asyncio.wait({reading}, timeout=2)
    gate.set()

    assert bool(done) is is_read
    assert await asyncio.gather(*strangers, reading) == [None] * SOCKETS + [1]


async def test_a_console_whose_own_clocks_break_ends_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its node would go on sending its screen to a browser, with nobody to look at the right."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def watch() -> None:
        raise ZeroDivisionError

    console = Console(ALICE, {}, nothing, send)
    monkeypatch.setattr(console._bridge, "watch", watch)

    with pytest.raises(ZeroDivisionError):
        await console.run()

    assert sent[-1] == {"type": "websocket.close", "code": close_codes.FAILED.code}
    assert console._bridge.ended.result() == close_codes.FAILED
