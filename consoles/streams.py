"""The two streams that a bridge joins, as it sees them."""

from typing import Protocol


class BrowserEnd(Protocol):
    """The browser's stream. `send` never waits: the bridge is told by `browser_behind` when to stop."""

    def send(self, data: bytes) -> None:
        """Sends bytes to the browser."""

    def tell(self, notice: bytes) -> None:
        """Sends a notice (`consoles.notices`) to the browser."""

    def pause_reading(self) -> None:
        """The browser's bytes wait in the kernel."""

    def resume_reading(self) -> None:
        """They flow again."""


class NodeEnd(Protocol):
    """The node's stream; `consoles.node_socket.NodeSocket` is one."""

    def write(self, data: bytes) -> None:
        """Sends bytes to the node."""

    def pause_reading(self) -> None:
        """The node's bytes wait."""

    def resume_reading(self) -> None:
        """They flow again."""

    def abort(self) -> None:
        """Ends at once."""


class NodeGone(Exception):
    """The node's stream ended before the console was open."""


class NodeCut(NodeGone):
    """It had begun to speak; so the machine runs."""
