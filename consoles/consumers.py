"""The console's socket. Who may have it is settled before accept (else HTTP 403); from there each end has its code.

It has its own receive loop: Channels' dispatch takes a thread hop for each message, which would make a key wait for
somebody else's query. Bytes go through `bridge`; this file is about its life.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from channels.consumer import AsyncConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import Error as DatabaseError
from django.utils import timezone

from consoles import authority, close_codes, notices, reasons, seats, visits
from consoles.authority import Authority
from consoles.backpressure import SCOPE_KEY, AsgiBrowser, DaphneBrowser, Receive, Scope, Send
from consoles.bridge import Bridge, Limits
from consoles.dialing import Windows, dial
from consoles.groups import user_group, vm_group
from consoles.lookout import Lookout
from consoles.receivers import WORD_S, say
from consoles.threads import CLUSTER, at_door, in_database, in_rows
from consoles.visits import Look
from vms.cluster import console_cluster
from vms.cluster.types import ConsoleEndpoint

log = logging.getLogger(__name__)

#: Rights that cannot be read for this long are taken as lost.
UNCHECKED_S = 60.0
#: A channel layer that broke off is tried again after this long; meanwhile consoles look by themselves.
LAYER_PAUSE_S = 5.0


_LOOKOUT = Lookout(in_database)


class ConsoleConsumer(AsyncConsumer):
    """One browser at one machine's screen."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The socket's whole life."""
        if (await receive())["type"] != "websocket.connect":
            return
        settled = await self._settle(scope)
        if settled is None:
            await send({"type": "websocket.close"})
            return
        await Console(settled, scope, receive, send).run()

    async def _settle(self, scope: Scope) -> Authority | None:
        token = authority.token_of(scope["subprotocols"])
        session_key = session_key_of(scope)
        if not (token and session_key and authority.origin_is_ours(scope["headers"])):
            return None
        vm_id = int(scope["url_route"]["kwargs"]["vm_id"])
        try:
            return await at_door(authority.settle, session_key, token, vm_id, timezone.now())
        except DatabaseError:
            log.exception("console refused: rights could not be read")
            return None


class Console:
    """An accepted console: the tasks around its bridge."""

    def __init__(self, settled: Authority, scope: Scope, receive: Receive, send: Send) -> None:
        self._authority = settled
        self._receive, self._send = receive, send
        self._browser: DaphneBrowser | AsgiBrowser = scope.get(SCOPE_KEY) or AsgiBrowser(send)
        self._bridge = Bridge(self._browser, limits_for(settled), view_only=settled.view_only)
        self._look_now = asyncio.Event()
        self._opening: asyncio.Task[int] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._visit_id = 0
        self._people: tuple[tuple[str, str, int], ...] = ()

    async def run(self) -> None:
        """From accept to the closed visit."""
        self._browser.listen(self._bridge)
        await self._send({"type": "websocket.accept", "subprotocol": authority.PROTOCOL})
        self._browser.opened()
        self._bridge.greet()
        work = (self._listen, self._dial, self._watch_rights, self._beat, self._hear_layer, self._browser.run)
        tasks = [self._start(one) for one in work]
        try:
            await self._bridge.watch()
        except BaseException as error:
            self._bridge.end(
                close_codes.RESTARTING if isinstance(error, asyncio.CancelledError) else close_codes.FAILED
            )
            raise
        finally:
            for task in tasks:
                task.cancel()
            await self._close()

    async def _close(self) -> None:
        end = await self._known_end()
        self._browser.closing()
        with contextlib.suppress(Exception):  # the browser may be gone, each server says so in its own way
            await self._send({"type": "websocket.close", "code": end.code})
        if self._opening is not None:
            with contextlib.suppress(Exception):  # there is no row then, and `_dial` has said why
                self._visit_id = await self._opening
        if self._visit_id:
            await in_rows(visits.close_visit, self._visit_id, end, **self._counts(), now=timezone.now())
            await say(vm_group(self._authority.vm_id))

    async def _known_end(self) -> close_codes.End:
        """Why it ended, as far as our rows know; the browser hears first where a machine that moves goes to."""
        end = self._bridge.ended.result()
        if end not in reasons.UNSURE:
            return end
        end, moves_to = await in_database(reasons.better, end, self._authority)
        if moves_to:
            self._browser.tell(notices.write("moving", moves_to))
        return end

    def _counts(self) -> dict[str, int]:
        return {"to_browser": self._bridge.bytes_to_browser, "from_browser": self._bridge.bytes_from_browser}

    def _start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work())
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that fails ends the console rather than leaving it without its care."""
        if not task.cancelled() and (error := task.exception()):
            log.error("console ended by an error", exc_info=error)
            self._bridge.end(close_codes.FAILED)

    async def _listen(self) -> None:
        """Messages of the browser. Under Daphne they go straight to the bridge, and only the disconnect comes here."""
        while True:
            await self._browser.may_read()
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self._bridge.browser_gone()
                return
            if message.get("bytes") is None:
                self._bridge.browser_text((message.get("text") or "").encode())
            else:
                self._bridge.browser_bytes(message["bytes"])

    async def _dial(self) -> None:
        self._opening = asyncio.ensure_future(in_rows(visits.open_visit, self._authority, timezone.now()))
        try:
            # A thread goes on when its browser leaves meanwhile: the row is waited for, so that it can be closed.
            self._visit_id = await asyncio.shield(self._opening)
        except seats.Full as full:
            self._bridge.end(full.end)
            return
        # Who was there already learns of it, and an older console of the same person at this machine ends.
        self._telling = asyncio.ensure_future(say(vm_group(self._authority.vm_id)))
        self._bridge.tell("hello", self._hello())
        windows = Windows(
            dial_s=settings.CONSOLE_DIAL_S,
            upgrade_s=settings.CONSOLE_UPGRADE_S,
            handshake_s=settings.CONSOLE_HANDSHAKE_S,
            silent_s=settings.CONSOLE_NODE_SILENT_S,
        )
        await dial(self._bridge, self._ask, windows)

    def _hello(self) -> dict[str, object]:
        limits = limits_for(self._authority)
        clocks = {"idle_s": limits.idle_s or None, "limit_s": limits.max_s or None}
        return {"visit": self._visit_id, "mode": self._authority.mode, **clocks}

    async def _ask(self) -> ConsoleEndpoint:
        """vncproxy, in a thread: the client of the cluster waits."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(CLUSTER, lambda: console_cluster().console_endpoint(self._authority.ref))

    async def _watch_rights(self) -> None:
        """Reads session and right again; one that is lost at any moment is noticed before CONSOLE_RECHECK_S is over."""
        loop = asyncio.get_running_loop()
        read_at = began = loop.time()
        while True:
            await self._pause(began + settings.CONSOLE_RECHECK_S / 2)
            began = loop.time()
            try:
                async with asyncio.timeout_at(read_at + UNCHECKED_S):  # a silent database raises nothing
                    seen: Look | None = await _LOOKOUT.look(self._authority, self._visit_id)
                read_at = loop.time()
            except (DatabaseError, TimeoutError):
                log.warning("console: rights could not be read")
                seen = Look(close_codes.UNCHECKED) if loop.time() - read_at >= UNCHECKED_S else None
            if seen is not None and self._take_in(seen):
                return

    async def _pause(self, until: float) -> None:
        """Until then, or until somebody says that a right changed. What reads slowly is left a moment between."""
        least_s = settings.CONSOLE_RECHECK_S / 8
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(max(until, asyncio.get_running_loop().time() + least_s)):
                await self._look_now.wait()
        self._look_now.clear()

    def _take_in(self, seen: Look) -> bool:
        """Tells the browser what is new; True when the console has ended by it."""
        if seen.end is not None:
            if seen.by or seen.reason:
                self._bridge.tell("ended", {"by": seen.by, "reason": seen.reason})
            self._bridge.end(seen.end)
            return True
        if seen.people != self._people:
            self._people = seen.people
            self._bridge.tell("people", [
                {"name": name, "mode": mode, "you": visit == self._visit_id} for name, mode, visit in seen.people
            ])  # fmt: skip
        return False

    async def _beat(self) -> None:
        """Says every CONSOLE_HEARTBEAT_S that it goes on; ends where its row was closed for its silence."""
        while True:
            await asyncio.sleep(settings.CONSOLE_HEARTBEAT_S)
            if not self._visit_id:
                continue
            try:
                goes_on = await in_rows(visits.see, self._visit_id, **self._counts(), now=timezone.now())
            except DatabaseError:
                log.warning("console: its row could not be written")
                continue
            if not goes_on:
                self._bridge.end(close_codes.UNCHECKED)
                return

    async def _hear_layer(self) -> None:
        """A word on the channel layer only makes us look at once; without a layer we look every two seconds anyway."""
        while True:
            try:
                await self._hear()
            except Exception as error:  # the layer's client raises whatever its library does
                log.warning("console: the channel layer does not answer (%s)", type(error).__name__)
            await asyncio.sleep(LAYER_PAUSE_S)

    async def _hear(self) -> None:
        groups = (vm_group(self._authority.vm_id), user_group(self._authority.user_id))
        layer = get_channel_layer()
        channel = await layer.new_channel("console")
        try:
            for group in groups:
                await layer.group_add(group, channel)
            while True:
                await layer.receive(channel)
                self._look_now.set()
        finally:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(WORD_S):
                    for group in groups:
                        await layer.group_discard(group, channel)


def limits_for(settled: Authority) -> Limits:
    """The clocks of one console; who only looks on is never idle."""
    return Limits(
        paused_s=settings.CONSOLE_PAUSED_S,
        keep_alive_s=settings.CONSOLE_KEEPALIVE_S,
        handshake_s=settings.CONSOLE_HANDSHAKE_S,
        max_s=settings.CONSOLE_MAX_S,
        idle_s=0.0 if settled.view_only else settings.CONSOLE_IDLE_S,
        warn_s=settings.CONSOLE_WARN_S,
    )


def session_key_of(scope: Scope) -> str:
    """The session cookie's value; empty without one. The last of several counts, as for pages.

    By hand: Python's own reader takes seconds for some 16 KiB, in which no other console would get a turn, and stops at
    a cookie that it does not like.
    """
    lines = (value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
    pairs = [one.strip().partition("=") for line in lines for one in line.split(";")]
    found = [value.strip() for name, _, value in pairs if name.strip() == settings.SESSION_COOKIE_NAME]
    return found[-1] if found else ""
