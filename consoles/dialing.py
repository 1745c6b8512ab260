"""Gets an authenticated node under a waiting browser: `vncproxy`, `vncwebsocket`, password; again when a race is lost.

A machine has one VNC password at a time, so of several people who open it at once all but the last are refused. Each
try takes a new `vncproxy`, and with it a new port: none is ever dialled twice.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from consoles import close_codes
from consoles.bridge import Bridge
from consoles.close_codes import End
from consoles.node_socket import NodeError, NodeRefused, open_node
from consoles.rfb import NodeBroke, PasswordRefused
from consoles.streams import NodeCut, NodeGone
from vms.cluster import errors
from vms.cluster.types import ConsoleEndpoint

log = logging.getLogger(__name__)

#: Asks the cluster for a console; runs `vncproxy`.
AskEndpoint = Callable[[], Awaitable[ConsoleEndpoint]]


@dataclass(frozen=True, slots=True)
class Windows:
    """Seconds. `dial_s`: from asking to being connected; the node waits 10 s. The others bound one step each."""

    dial_s: float = 8.0
    upgrade_s: float = 5.0
    handshake_s: float = 10.0
    silent_s: float = 45.0
    retries: int = 3


class TooLate(NodeError):
    """The answer came when the port was about to close; it was not dialled."""


#: What the person is told of an error; the first that fits counts.
_WORDS: tuple[tuple[tuple[type[Exception], ...], End], ...] = (
    ((errors.NoSuchGuest, errors.WrongMachine), close_codes.GONE),
    ((errors.Unreachable, errors.OutcomeUnknown), close_codes.UNREACHABLE),
    ((errors.ClusterError, NodeRefused), close_codes.REFUSED),
    ((NodeError, TimeoutError), close_codes.UNREACHABLE),
    ((NodeBroke,), close_codes.NODE_BROKE),
    ((NodeCut,), close_codes.NODE_ENDED),
    # Proxmox accepts the connection of a stopped machine and ends it before the first byte of RFB.
    ((NodeGone,), close_codes.STOPPED),
)


async def dial(bridge: Bridge, ask: AskEndpoint, windows: Windows) -> None:
    """Opens the console's node, or ends the bridge with the reason."""
    for _ in range(1 + windows.retries):
        try:
            await _try(bridge, ask, windows)
        except PasswordRefused:
            log.info("console: another viewer was given a password in between; asking again")
            continue
        except (errors.ClusterError, NodeError, NodeBroke, NodeGone, TimeoutError) as error:
            bridge.end(_end_for(error))
        return
    bridge.end(close_codes.BUSY)


async def _try(bridge: Bridge, ask: AskEndpoint, windows: Windows) -> None:
    loop = asyncio.get_running_loop()
    # The node's window opens while we wait for the answer, so it is counted from the question.
    dial_until = loop.time() + windows.dial_s
    endpoint = await ask()
    if bridge.ended.done():
        return
    left_s = dial_until - loop.time()
    if left_s <= 0:
        raise TooLate(f"the port was told only after {windows.dial_s} s")
    link = bridge.new_link(endpoint.password.encode("latin-1", "replace"))
    node = await open_node(endpoint, link, connect_s=left_s, upgrade_s=windows.upgrade_s, silent_s=windows.silent_s)
    bridge.node_opened(link, node)
    async with asyncio.timeout(windows.handshake_s):
        await link.authenticated


def _end_for(error: Exception) -> End:
    """What the person is told; the log has the reason, which never holds a secret."""
    end = _word_for(error)
    level = logging.INFO if end in {close_codes.STOPPED, close_codes.GONE} else logging.WARNING
    log.log(level, "console not opened (%s): %s: %s", end.word, type(error).__name__, error)
    return end


def _word_for(error: Exception) -> End:
    return next((end for kinds, end in _WORDS if isinstance(error, kinds)), close_codes.FAILED)
