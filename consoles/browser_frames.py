"""A browser's frames under Daphne, where a console wants them handled otherwise than autobahn does.

autobahn takes apart all that one read brought before anybody else gets a turn, answers every ping whether or not the
browser reads, and drops who breaks the framing without a word. Here frames come in turns, pings of a browser that does
not read wait (RFC 6455 section 5.5.3: the newest answers for all), and a breach is told to the console, which ends
with its own code. It leans on autobahn 26, as `backpressure` does; the tests of hostile browsers notice changes.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

#: Head and payload are a step each: 32 frames. A page sends some hundred a second at the most.
STEPS_A_TURN = 64
REST_S = 0.01
#: A turn that took this long, where a page's takes a tenth of a millisecond, is followed by so many times its length.
LONG_S, REST_TIMES, MOST_REST_S = 0.005, 9, 1.0
#: Parts of one message; empty ones would add up without its ever growing too large. A page sends one.
MAX_PARTS = 4096


class Console(Protocol):
    """Who is told; `consoles.bridge.Bridge` is one."""

    def browser_broke(self, why: str) -> None:
        """It sent what it may not."""

    def browser_vanished(self) -> None:
        """It does not answer any more."""


class BrowserFrames:
    """Puts itself between autobahn's protocol object and its bytes, for the life of one socket."""

    def __init__(self, protocol: Any, console: Console, rest: Callable[[bool], None]) -> None:
        """`rest(True)`: the socket is not to be read for a while; `rest(False)`: again."""
        self._protocol, self._console, self._rest = protocol, console, rest
        self._loop = asyncio.get_running_loop()
        self._is_broken = self._is_behind = False
        self._owed: bytes | None = None
        self._consume_all, self._send_heartbeat = protocol.consumeData, protocol._sendAutoPing
        hooks = {
            "dataReceived": self._received, "consumeData": self._consume, "_fail_connection": self._fail,
            "_sendAutoPing": self._heartbeat, "onAutoPingTimeout": self._vanished, "onPing": self._ping,
        }  # fmt: skip
        vars(protocol).update(hooks)
        self._hooks = tuple(hooks)

    def let_go(self) -> None:
        """The socket is gone: the protocol object refers to nothing of ours any more."""
        for name in self._hooks:
            vars(self._protocol).pop(name, None)

    def behind(self, is_behind: bool) -> None:
        """Whether what we send piles up; pongs would only add to it."""
        self._is_behind = is_behind
        if not is_behind and self._owed is not None:
            owed, self._owed = self._owed, None
            self._protocol.sendPong(owed)

    def _received(self, data: bytes) -> None:
        """A read's bytes; autobahn's own writes a line of a log that is off first, for each key."""
        self._protocol.data += data
        self._consume()

    def _consume(self) -> None:
        """What has come, as far as this turn goes."""
        protocol = self._protocol
        if self._is_broken:
            protocol.data = b""
        elif protocol.state not in {protocol.STATE_OPEN, protocol.STATE_CLOSING}:
            self._consume_all()
        elif not self._takes_short_one() or protocol.data:  # a key alone needs no clock
            self._consume_for_a_turn()

    def _consume_for_a_turn(self) -> None:
        began = time.thread_time()
        is_more = self._takes_a_turn()
        took_s = time.thread_time() - began
        if is_more or took_s > LONG_S:
            self._rest(True)
            self._loop.call_later(min(max(REST_S, REST_TIMES * took_s), MOST_REST_S), self._go_on)

    def _takes_a_turn(self) -> bool:
        """True where more has come than one turn is for."""
        for _ in range(STEPS_A_TURN):
            if self._takes_short_one():
                continue
            is_more = self._protocol.processData()
            if self._protocol.inside_message and len(self._protocol.message_data or ()) > MAX_PARTS:
                self._fail(reason=f"a message of more than {MAX_PARTS} parts")
            if not is_more or self._is_broken or self._protocol.state == self._protocol.STATE_CLOSED:
                return False
        return True

    def _takes_short_one(self) -> bool:
        """True where a whole, final, masked, binary frame below 126 bytes was next, as a key is, and is handed on.

        It is what autobahn would do with it, in one step instead of a dozen calls: a third of a key's way to the node.
        """
        protocol, data = self._protocol, self._protocol.data
        if len(data) < 6 or data[0] != 0x82 or not 0x80 <= data[1] < 0xFE or len(data) < (end := data[1] - 0x7A):
            return False
        if protocol.state != protocol.STATE_OPEN or protocol.current_frame is not None or protocol.inside_message:
            return False
        protocol.data = data[end:]
        if protocol.autoPingTimeoutCall:
            protocol._cancelAutoPingTimeoutCall()  # what was sent is a sign of life too
        protocol.onMessage(unmasked(data[6:end], data[2:6]), True)
        return True

    def _go_on(self) -> None:
        self._rest(False)
        self._consume()

    def _fail(self, _code: int = 0, reason: str = "") -> None:
        """The framing is broken: nothing that follows can be read."""
        protocol = self._protocol
        protocol.failedByMe = True
        if protocol.state != protocol.STATE_OPEN:
            protocol.dropConnection(abort=True)
        elif not self._is_broken:
            self._is_broken, protocol.data = True, b""
            self._console.browser_broke(f"the browser broke the framing: {reason}")

    def _ping(self, payload: bytes) -> None:
        if self._is_behind:
            self._owed = payload
        else:
            self._protocol.sendPong(payload)

    def _heartbeat(self) -> None:
        """A second ping while one is not answered would leave the first one's clock running, answered or not."""
        if not self._protocol.autoPingPending:
            self._send_heartbeat()

    def _vanished(self) -> None:
        """autobahn would drop it at once; the close frame waits, for a browser that was only away."""
        self._protocol.autoPingTimeoutCall = None
        self._console.browser_vanished()


def unmasked(payload: bytes, mask: bytes) -> bytes:
    """The payload of a short frame under its mask of four bytes."""
    size = len(payload)
    keys = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(keys)).to_bytes(size)
