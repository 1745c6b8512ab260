"""GATEWAY to a node's `vncwebsocket`: opens a ConsoleEndpoint as a stream of bytes. The only importer of websockets.

websockets does the opening handshake without I/O; frames are ours (`frames.py`). A port is dialled once, late or broken
dials are never repeated on it: a second connection, a late one or a malformed frame can end the node's worker process
with all other consoles on it.
"""

import asyncio
import logging
import secrets
import socket
import ssl
from typing import Protocol, cast

from websockets.client import ClientProtocol
from websockets.http11 import Response
from websockets.speedups import apply_mask
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from consoles.frames import FrameBroke, FrameSplitter, Opcode, cut, head
from vms.cluster.errors import CertificateRefused
from vms.cluster.tls import TlsTrust
from vms.cluster.types import ConsoleEndpoint

MAX_RESPONSE_BYTES = 16 * 1024
WRITE_HIGH_BYTES = 128 * 1024
#: One buffer for all sockets of the process: what a read brings is taken out of it before the next read.
_READ_BUFFER = memoryview(bytearray(256 * 1024))
_CONTEXTS: dict[TlsTrust, ssl.SSLContext] = {}

#: The handshake holds the token and the ticket; nothing of it is ever logged.
_SILENT = logging.Logger("consoles.node_socket.handshake", level=logging.CRITICAL + 1)


class NodeError(Exception):
    """The node could not be reached as a console; nothing of the machine was changed."""


class NodeUnreachable(NodeError):
    """No connection, or TLS could not be verified."""


class NodeSilent(NodeError):
    """Connected, but the upgrade was never answered: the port no longer listens, or took another connection."""


class NodeRefused(NodeError):
    """Proxmox answered something else than 101."""

    def __init__(self, status: str) -> None:
        super().__init__(f"the upgrade was answered with {status}")
        self.status = status


class NodeListener(Protocol):
    """Who hears what the node says. All are called in the event loop, none before the upgrade is answered."""

    def node_bytes(self, data: bytes) -> None:
        """RFB bytes of the node."""

    def node_broke(self, why: str) -> None:
        """The connection is over, because the node broke the framing; called once."""

    def node_ended(self, why: str) -> None:
        """The connection is over; called once, and not after `node_broke`."""

    def node_writable(self, writable: bool) -> None:
        """False: what we write piles up, stop. True: go on."""


class NodeSocket(asyncio.BufferedProtocol):
    """One open `vncwebsocket`."""

    def __init__(self, endpoint: ConsoleEndpoint, listener: NodeListener, silent_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.upgraded: asyncio.Future[None] = self._loop.create_future()
        # A failure that comes when nobody waits any more is not an error.
        self.upgraded.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._listener = listener
        self._trust = endpoint.trust
        self._handshake = _handshake_for(endpoint)
        self._response = bytearray()
        self._splitter = FrameSplitter()
        self._transport: asyncio.Transport | None = None
        self._is_over = self._is_paused = self._is_stuck = False
        self._silent_s, self._heard_at = silent_s, self._loop.time()
        self._clock = self._loop.call_later(silent_s / 3, self._listen_for_life)

    # what the bridge calls

    def write(self, data: bytes) -> None:
        """Sends bytes in masked, unfragmented frames of at most 64 KiB."""
        for piece in cut(data):
            self._send_frame(Opcode.BINARY, piece)

    def pause_reading(self) -> None:
        """The node's bytes wait in the kernel, then at the node."""
        self._is_paused = True
        if self._transport is not None and not self._is_over:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """They flow again."""
        self._is_paused, self._heard_at = False, self._loop.time()
        if self._transport is not None and not self._is_over:
            self._transport.resume_reading()

    def abort(self) -> None:
        """Ends at once; bytes not yet sent are dropped and nothing is heard any more."""
        self._is_over = True
        self._clock.cancel()
        if self._transport is not None:
            self._transport.abort()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is up: compare the certificate where fingerprints are set, then ask for the upgrade."""
        self._transport = cast(asyncio.Transport, transport)
        tls = cast(ssl.SSLObject, transport.get_extra_info("ssl_object"))
        try:
            self._trust.check(tls.getpeercert(binary_form=True))
        except CertificateRefused as error:
            self._fail(NodeUnreachable(error.sentence))
            return
        _set_up(transport.get_extra_info("socket"))
        self._transport.set_write_buffer_limits(high=WRITE_HIGH_BYTES)
        self._transport.write(b"".join(self._handshake.data_to_send()))

    def get_buffer(self, sizehint: int) -> memoryview:
        """The shared buffer."""
        return _READ_BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """A read brought `nbytes`."""
        if self._is_over:
            return
        self._heard_at = self._loop.time()
        data = _READ_BUFFER[:nbytes]
        try:
            if not self.upgraded.done():
                data = memoryview(self._read_response(bytes(data)))
            if self.upgraded.done() and data:
                self._read_frames(data)
        except FrameBroke as error:
            self.abort()
            self._listener.node_broke(str(error))

    def eof_received(self) -> bool:
        """Proxmox ends by EOF, without a close frame."""
        self._end("the node closed the connection")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever did not end before has ended now."""
        self._end(f"the connection broke ({type(exc).__name__})" if exc else "the connection is closed")
        self._transport = None  # and its buffers, a quarter of a megabyte: whoever holds us must not hold those

    def pause_writing(self) -> None:
        """The node does not take what we send."""
        self._is_stuck = True
        if not self._is_over:
            self._listener.node_writable(False)

    def resume_writing(self) -> None:
        """It does again."""
        self._is_stuck = False
        if not self._is_over:
            self._listener.node_writable(True)

    def _read_response(self, data: bytes) -> bytes:
        """Collects the HTTP response; returns what came after it."""
        self._response += data
        response, end, rest = bytes(self._response).partition(b"\r\n\r\n")
        if not end:
            if len(self._response) > MAX_RESPONSE_BYTES:
                self._fail(NodeRefused("too many headers"))
            return b""
        status = response.split(b"\r\n", 1)[0].decode("latin-1")
        if b" 101" not in response[:13]:
            self._fail(NodeRefused(status[:80]))
            return b""
        self._handshake.receive_data(response + end)
        answers = self._handshake.events_received()
        if self._handshake.handshake_exc is not None or not isinstance(answers[0], Response):
            self._fail(NodeRefused("an upgrade that breaks the rules"))
            return b""
        self.upgraded.set_result(None)
        return rest

    def _read_frames(self, data: memoryview) -> None:
        payload = self._splitter.feed(data)
        ping = self._splitter.take_ping()
        if ping is not None and not self._is_stuck:
            self._send_frame(Opcode.PONG, ping)
        if payload:
            self._listener.node_bytes(payload)
        if self._splitter.is_closed:
            self._end("the node sent a close frame")

    def _send_frame(self, opcode: Opcode, payload: bytes) -> None:
        if self._transport is None or self._is_over:
            return
        mask = secrets.token_bytes(4)
        self._transport.write(head(opcode, len(payload), mask) + apply_mask(payload, mask))

    def _listen_for_life(self) -> None:
        """Asks a node that says nothing for a sign, and ends where none comes. While we do not read, none can."""
        silent_s = 0.0 if self._is_paused else self._loop.time() - self._heard_at
        if silent_s >= self._silent_s:
            self._end(f"the node has said nothing for {silent_s:.0f} s")
            return
        if silent_s >= self._silent_s / 3 and self.upgraded.done() and not self._is_stuck:
            self._send_frame(Opcode.PING, b"")
        self._clock = self._loop.call_later(self._silent_s / 3, self._listen_for_life)

    def _fail(self, error: NodeError) -> None:
        """The upgrade did not come about."""
        if not self.upgraded.done():
            self.upgraded.set_exception(error)
        self.abort()

    def _end(self, why: str) -> None:
        """Tells whoever waits, once."""
        if self._is_over:
            return
        if not self.upgraded.done():
            self._fail(NodeSilent(f"{why} before it answered the upgrade"))
            return
        self.abort()
        self._listener.node_ended(why)


async def open_node(
    endpoint: ConsoleEndpoint, listener: NodeListener, *, connect_s: float, upgrade_s: float, silent_s: float = 45.0
) -> NodeSocket:
    """Dials the endpoint, once. `connect_s` is what is left of the window to connect in. A node that says nothing for
    `silent_s`, asked for a sign of life meanwhile, has ended.

    Raises NodeUnreachable, NodeSilent (no answer to the upgrade within `upgrade_s`) or NodeRefused. After any of them
    the port must not be dialled again; ask for a new one.
    """
    loop = asyncio.get_running_loop()
    node: NodeSocket | None = None
    try:
        async with asyncio.timeout(connect_s):
            _, node = await loop.create_connection(
                lambda: NodeSocket(endpoint, listener, silent_s),
                endpoint.host,
                endpoint.port,
                ssl=_context(endpoint.trust),
                server_hostname=endpoint.host,
            )
    except TimeoutError:
        raise NodeUnreachable(f"no connection within {connect_s:.1f} s") from None
    except (OSError, CertificateRefused) as error:
        raise NodeUnreachable(str(error)) from error
    try:
        async with asyncio.timeout(upgrade_s):
            await node.upgraded
    except TimeoutError:
        raise NodeSilent(f"no answer to the upgrade within {upgrade_s:.1f} s") from None
    finally:
        if node.upgraded.cancelled() or not node.upgraded.done() or node.upgraded.exception():
            node.abort()
    return node


def _handshake_for(endpoint: ConsoleEndpoint) -> ClientProtocol:
    """The upgrade request: the token's identity must be the one that asked for the port."""
    path, _, query = endpoint.target.partition("?")
    protocol = ClientProtocol(
        WebSocketURI(True, endpoint.host, endpoint.port, path, query),
        subprotocols=[Subprotocol("binary")],
        logger=_SILENT,
    )
    request = protocol.connect()
    request.headers["Authorization"] = endpoint.authorization
    protocol.send_request(request)
    return protocol


def _context(trust: TlsTrust) -> ssl.SSLContext:
    """One context for each way to trust; making it reads the CA file."""
    if trust not in _CONTEXTS:
        _CONTEXTS[trust] = trust.context()
    return _CONTEXTS[trust]


def _set_up(sock: socket.socket) -> None:
    """Keys go out at once. (A dead node is noticed by its silence: TCP does not ask while bytes are on the way.)"""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
