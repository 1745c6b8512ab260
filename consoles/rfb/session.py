"""Joins both halves of the handshake and, once both are ready, lets the bytes flow.

    browser  VERSION > SECURITY > INIT > READY          node  VERSION > SECURITY > CHALLENGE > RESULT > READY

ClientInit goes to the node when both are READY. From then on the node's bytes pass unread; the browser's are checked.
"""

from consoles.rfb.browser_side import BrowserSide, BrowserState
from consoles.rfb.client_messages import KEEP_ALIVE, ClientMessages
from consoles.rfb.constants import SHARED
from consoles.rfb.errors import NodeBroke
from consoles.rfb.node_side import NodeSide, NodeState


class RfbSession:
    """One console. The browser's half is there from the start; a node is attached, and again after a lost race."""

    def __init__(self, *, view_only: bool = False) -> None:
        self._browser = BrowserSide()
        self._node: NodeSide | None = None
        self._messages = ClientMessages(view_only=view_only)
        self._for_node = bytearray()
        self.is_open = False

    @property
    def inputs(self) -> int:
        """Keys, pointer moves and clipboards the browser has sent; what an idle clock looks at."""
        return self._messages.inputs

    @property
    def node_ready(self) -> bool:
        """The node took the password and waits for ClientInit, or is past that."""
        return self._node is not None and self._node.state is NodeState.READY

    def attach_node(self, password: bytes) -> None:
        """A new connection to the node; the browser's half stays where it is. Only before `is_open`."""
        if self.is_open:
            raise NodeBroke("a node cannot be exchanged under an open console")
        self._for_node.clear()
        self._node = NodeSide(password)

    def from_node(self, data: bytes) -> bytes:
        """Bytes of the node; returns what the browser is to get. Raises NodeBroke or a kind of it.

        Also BrowserBroke: what a browser sent ahead of its answers is read when the node is ready.
        """
        if self.is_open:
            return data
        if self._node is None:
            raise NodeBroke("bytes came from a node that is not attached")
        self._node.receive(data)
        self._for_node += self._node.to_send()
        return self._open_when_ready()

    def from_browser(self, data: bytes) -> bytes:
        """Bytes of the browser; returns what the browser is to get in answer. Raises BrowserBroke."""
        if self.is_open:
            self._for_node += self._messages.receive(data)
            return b""
        self._browser.receive(data)
        return self._browser.to_send() + self._open_when_ready()

    def greeting(self) -> bytes:
        """What the browser is to get at first."""
        return self._browser.to_send()

    def to_node(self) -> bytes:
        """What the node is to get next; empty when nothing is due."""
        data = bytes(self._for_node)
        self._for_node.clear()
        return data

    def hold_requests(self) -> None:
        """The browser does not keep up: its update requests wait."""
        self._messages.hold_requests()

    def release_requests(self) -> None:
        """It keeps up again: the request that covers all held ones goes out."""
        self._for_node += self._messages.release_requests()

    def keep_alive(self) -> None:
        """Asks for the first pixel if it changed: Proxmox cuts a console without RFB bytes after 900 s."""
        if self.is_open:
            self._for_node += KEEP_ALIVE

    def _open_when_ready(self) -> bytes:
        """Sends ClientInit once both are ready; what the node may have said already is the browser's."""
        node = self._node
        if node is None or not self.node_ready or self._browser.state is not BrowserState.READY:
            return b""
        self.is_open = True
        self._for_node += SHARED + self._messages.receive(self._browser.left_over())
        return node.left_over()
