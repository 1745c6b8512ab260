"""Tries a console without a browser: connects to an endpoint and ends RFB authentication, then hangs up."""

import asyncio

from consoles.node_socket import NodeError, NodeSocket, open_node
from consoles.rfb import NodeBroke
from consoles.rfb.node_side import NodeSide, NodeState
from vms.cluster.types import ConsoleEndpoint

CONNECT_S, UPGRADE_S, HANDSHAKE_S = 8.0, 5.0, 12.0


class UpgradeFailed(Exception):
    """The second step: no connection, or Proxmox did not answer with a WebSocket."""


class HandshakeFailed(Exception):
    """The third step: the machine's screen server did not greet, or refused the password."""


class _Listener:
    """Does our half of RFB until the node waits for ClientInit."""

    def __init__(self, password: str) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.node: NodeSocket | None = None
        self._side = NodeSide(password.encode("latin-1", "replace"))
        self._early = bytearray()

    def attach(self, node: NodeSocket) -> None:
        """Bytes may have come before the caller was told that the upgrade is done."""
        self.node = node
        self.node_bytes(b"")

    def node_bytes(self, data: bytes) -> None:
        self._early += data
        if self.node is None or self.ready.done():
            return
        try:
            self._side.receive(bytes(self._early))
        except NodeBroke as error:
            self.ready.set_exception(HandshakeFailed(str(error) or type(error).__name__))
            return
        self._early.clear()
        self.node.write(self._side.to_send())
        if self._side.state is NodeState.READY:
            self.ready.set_result(None)

    def node_broke(self, why: str) -> None:
        self.node_ended(why)

    def node_ended(self, why: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(HandshakeFailed(f"{why} before the machine's screen answered"))

    def node_writable(self, writable: bool) -> None:
        """So few bytes never pile up."""


async def try_endpoint(endpoint: ConsoleEndpoint) -> None:
    """Connect and authenticate. Raises UpgradeFailed or HandshakeFailed, which name what happened."""
    listener = _Listener(endpoint.password)
    try:
        node = await open_node(endpoint, listener, connect_s=CONNECT_S, upgrade_s=UPGRADE_S)
    except NodeError as error:
        raise UpgradeFailed(str(error)) from error
    try:
        listener.attach(node)
        async with asyncio.timeout(HANDSHAKE_S):
            await listener.ready
    except TimeoutError:
        raise HandshakeFailed(f"no answer within {HANDSHAKE_S:g} s") from None
    finally:
        node.abort()
