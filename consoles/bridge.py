"""Joins one browser and one node through an RFB session. asyncio, no Django.

Everything is done in the callbacks of the two streams: no task, no queue, no thread hop for a message. Back-pressure
goes both ways: a browser that does not keep up pauses our reading from the node and holds its update requests back,
a node that does not keep up pauses our reading from the browser.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from consoles import close_codes, notices
from consoles.clocks import Clocks
from consoles.close_codes import End
from consoles.rfb import BrowserBroke, NodeBroke, RfbSession
from consoles.streams import BrowserEnd, NodeCut, NodeEnd, NodeGone

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds. `paused_s`: how long one side may not keep up. `keep_alive_s`: silence towards the node at most.

    `handshake_s`: how long a browser may leave a node waiting before it has said what it has to. `max_s`, `idle_s`: the
    person's own clocks (`consoles.clocks`), 0 for none.
    """

    paused_s: float = 30.0
    keep_alive_s: float = 60.0
    handshake_s: float = 10.0
    tick_s: float = 1.0
    max_s: float = 0.0
    idle_s: float = 0.0
    warn_s: float = 60.0


class NodeLink:
    """One connection to the node, as the bridge hears it. Only the newest one is listened to.

    `authenticated` is done when the node took the password; else it holds PasswordRefused, NodeBroke or NodeGone.
    """

    def __init__(self, bridge: "Bridge") -> None:
        self.authenticated: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # An end that comes when nobody waits any more is not an error.
        self.authenticated.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._bridge = bridge
        self.has_spoken = False

    def node_bytes(self, data: bytes) -> None:
        """RFB bytes of the node."""
        self._bridge.node_bytes(self, data)

    def node_broke(self, why: str) -> None:
        """The stream is over by a breach of its framing."""
        self._bridge.node_broke(self, NodeBroke(why))

    def node_ended(self, why: str) -> None:
        """The stream is over."""
        self._bridge.node_ended(self, why)

    def node_writable(self, writable: bool) -> None:
        """Whether the node takes what we send."""
        self._bridge.node_writable(self, writable)

    def fail(self, error: Exception) -> bool:
        """Hands the error to who waits for authentication; False when nobody does."""
        if self.authenticated.done():
            return False
        self.authenticated.set_exception(error)
        return True


class Bridge:
    """One console, from the accepted socket to its end. `ended` holds why."""

    def __init__(self, browser: BrowserEnd, limits: Limits, *, view_only: bool = False) -> None:
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[End] = loop.create_future()
        self.bytes_to_browser = 0
        self.bytes_from_browser = 0
        self._now: Callable[[], float] = loop.time
        self._browser = browser
        self._limits = limits
        self._session = RfbSession(view_only=view_only)
        self._link: NodeLink | None = None
        self._node: NodeEnd | None = None
        self._behind_since: float | None = None
        self._stuck_since: float | None = None
        self._last_write = self._now()
        self._clocks = Clocks(self._now(), max_s=limits.max_s, idle_s=limits.idle_s, warn_s=limits.warn_s)
        self._pace = notices.Pace()
        self._inputs = 0
        self._warned = ""
        self._authenticated_at: float | None = None

    # the console's life

    def greet(self) -> None:
        """The socket is accepted: the browser hears the version at once, before a node is there."""
        self._send_browser(self._session.greeting())

    def new_link(self, password: bytes) -> NodeLink:
        """A node is about to be dialled; a former connection is not heard any more."""
        self._drop_node()
        self._session.attach_node(password)
        self._link = NodeLink(self)
        return self._link

    def node_opened(self, link: NodeLink, node: NodeEnd) -> None:
        """The dialled connection is up."""
        if self.ended.done() or link is not self._link:
            node.abort()
            return
        self._node = node
        if self._behind_since is not None:
            node.pause_reading()
        self._flush_node()

    async def watch(self) -> End:
        """Keeps the clocks until the end; returns it."""
        while not self.ended.done():
            await asyncio.wait({self.ended}, timeout=self._limits.tick_s)
            self._look_at_clocks()
        return self.ended.result()

    def end(self, end: End) -> None:
        """Ends the console, once: from here on not a byte goes to either side."""
        if self.ended.done():
            return
        self.ended.set_result(end)
        if self._node is not None:
            self._node.abort()
        if self._link is not None:
            self._link.fail(NodeGone(end.word))

    # what the browser's stream tells

    def browser_bytes(self, data: bytes) -> None:
        """Bytes of the browser."""
        if self.ended.done():
            return
        self.bytes_from_browser += len(data)
        try:
            answer = self._session.from_browser(data)
        except BrowserBroke as error:
            self.browser_broke(str(error))
            return
        self._send_browser(answer)
        self._flush_node()

    def browser_text(self, data: bytes) -> None:
        """A text frame: one of the few words of `consoles.notices`, or a breach."""
        if self.ended.done():
            return
        try:
            said = notices.read(data)
        except notices.NoticeBroke as error:
            self.browser_broke(str(error))
            return
        if not self._pace.take(self._now()):
            self.browser_broke("the browser sent words without end")
        elif isinstance(said, notices.Ping):
            self._browser.tell(notices.write("pong", said.number))
        elif isinstance(said, notices.Broke):
            log.error("console ended: the browser does not understand what the screen said")
            self.end(close_codes.NODE_BROKE)
        else:
            self._clocks.used(self._now())

    def tell(self, key: str, value: Any) -> None:
        """A notice for the person at the browser; nothing after the end."""
        if not self.ended.done():
            self._browser.tell(notices.write(key, value))

    def browser_broke(self, why: str) -> None:
        """It sent something that is no console's, such as text."""
        log.warning("console ended: %s", why)
        self.end(close_codes.BROWSER_BROKE)

    def browser_gone(self) -> None:
        """The socket is closed."""
        self.end(close_codes.LEFT)

    def browser_vanished(self) -> None:
        """It has not answered for too long."""
        self.end(close_codes.VANISHED)

    def browser_behind(self, behind: bool) -> None:
        """True: what we send piles up. False: it has drained."""
        if self.ended.done() or behind == (self._behind_since is not None):
            return
        self._behind_since = self._now() if behind else None
        if behind:
            self._session.hold_requests()
        else:
            self._session.release_requests()
        if self._node is not None:
            (self._node.pause_reading if behind else self._node.resume_reading)()
        self._flush_node()

    # what the node's stream tells

    def node_bytes(self, link: NodeLink, data: bytes) -> None:
        """Bytes of the node."""
        if self.ended.done() or link is not self._link:
            return
        link.has_spoken = True
        try:
            answer = self._session.from_node(data)
        except NodeBroke as error:
            self.node_broke(link, error)
            return
        except BrowserBroke as error:  # what it sent ahead is read only now
            self.browser_broke(str(error))
            return
        if self._session.node_ready and not link.authenticated.done():
            link.authenticated.set_result(None)
            self._authenticated_at = self._now()
        self._send_browser(answer)
        self._flush_node()

    def node_broke(self, link: NodeLink, error: NodeBroke) -> None:
        """It sent what it may not."""
        if self.ended.done() or link is not self._link:
            return
        self._drop_node()
        if not link.fail(error):
            log.error("console ended: %s", error)
            self.end(close_codes.NODE_BROKE)

    def node_ended(self, link: NodeLink, why: str) -> None:
        """Its stream is over."""
        gone = NodeCut(why) if link.has_spoken else NodeGone(why)
        if link is self._link and not link.fail(gone):
            self.end(close_codes.NODE_ENDED)

    def node_writable(self, link: NodeLink, writable: bool) -> None:
        """Whether it takes what we send."""
        if self.ended.done() or link is not self._link:
            return
        self._stuck_since = None if writable else self._now()
        (self._browser.resume_reading if writable else self._browser.pause_reading)()

    def _drop_node(self) -> None:
        """The node's connection is of no use; nothing it still says is heard."""
        if self._node is not None:
            self._node.abort()
        self._node = self._link = None

    def _send_browser(self, data: bytes) -> None:
        if data:
            self.bytes_to_browser += len(data)
            self._browser.send(data)

    def _flush_node(self) -> None:
        if self._node is None or self.ended.done():
            return
        data = self._session.to_node()
        if data:
            self._last_write = self._now()
            self._node.write(data)

    def _look_at_clocks(self) -> None:
        now = self._now()
        if self.ended.done():
            return
        self._look_at_streams(now)
        self._look_at_person(now)

    def _look_at_person(self, now: float) -> None:
        if self._inputs != self._session.inputs:
            self._inputs = self._session.inputs
            self._clocks.used(now)
        near = self._clocks.warning(now)
        if (near.end if near else "") != self._warned:
            self._warned = near.end if near else ""
            self.tell("warn", {"end": near.end, "seconds": near.seconds} if near else None)
        if end := self._clocks.end(now):
            self.end(end)

    def _look_at_streams(self, now: float) -> None:
        if self._behind_since is not None and now - self._behind_since >= self._limits.paused_s:
            self.end(close_codes.TOO_SLOW)
        elif self._stuck_since is not None and now - self._stuck_since >= self._limits.paused_s:
            self.end(close_codes.NODE_ENDED)
        elif not self._session.is_open:
            if self._authenticated_at is not None and now - self._authenticated_at >= self._limits.handshake_s:
                self.browser_broke("the browser does not answer")
        elif self._behind_since is None and now - self._last_write >= self._limits.keep_alive_s:
            self._session.keep_alive()
            self._flush_node()
