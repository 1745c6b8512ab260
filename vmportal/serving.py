"""Daphne that holds no key up to tidy what stays, and lets every console say why it ends before the process is gone.

`vmportal.server` starts it.

Daphne 4.2's own way out (`daphne/server.py`, `kill_all_applications`) fails with KeyError at a connection that has no
application, which a WebSocket's request is for its first second and half a request for as long as it likes; and it
waits for the first application that was cancelled, not for all. Either way consoles break without a word, and their
rows stay open.
"""

import asyncio
import contextlib
import gc
from typing import Any

from daphne.cli import CommandLineInterface
from daphne.server import Server
from twisted.internet.defer import Deferred

#: How long the last rows may take to be written; who stops the process waits longer (docker-compose.yml).
LEAVE_S = 8.0
#: How long browsers have to take the last word and hang up.
HANG_UP_S = 1.0


class PortalServer(Server):
    """Daphne's server with a way out of its own."""

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self._hung_up = asyncio.Event()
        # The application is loaded and stays: a collection that walks all of it holds every key up for 50 ms and more.
        gc.collect()
        gc.freeze()

    def protocol_disconnected(self, protocol: Any) -> None:
        """One connection is over."""
        super().protocol_disconnected(protocol)
        self._hung_up.set()

    def kill_all_applications(self) -> "Deferred[Any]":
        """Cancels every application. Fires when all have ended and their browsers have hung up, or the time is over."""
        return Deferred.fromFuture(asyncio.ensure_future(self._leave()))

    async def _leave(self) -> None:
        running = {details.get("application_instance"): details for details in self.connections.values()}
        running = {task: details for task, details in running.items() if task is not None and not task.done()}
        if not running:
            return
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=LEAVE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_S):
                while not all("disconnected" in details for details in running.values()):
                    self._hung_up.clear()
                    await self._hung_up.wait()


class PortalCommandLine(CommandLineInterface):
    """Daphne's own arguments."""

    server_class = PortalServer


if __name__ == "__main__":
    PortalCommandLine.entrypoint()
