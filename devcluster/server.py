"""The TLS listener: uvicorn, plus what ASGI cannot say: reason phrases, answers cut short, a raw WebSocket."""

import asyncio
import contextlib
import functools
import random
import socket
from collections.abc import Generator, Sequence
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from devcluster.console_socket import ConsoleSocket
from devcluster.consoles import ConsoleDesk, arrived_at
from devcluster.tls import Certificates

FREE_PORTS = (20_000, 32_000)
SERVER_NAME = "pve-api-daemon/3.0"


class Wire(h11.Connection):
    """Obeys two headers of the application and lets neither out: `x-reason` is the reason phrase, `x-cut` is
    `answer` (close without a byte) or `half` (close in the middle of the body)."""

    def __init__(self, protocol: "ApiProtocol") -> None:
        super().__init__(h11.SERVER)
        self._protocol = protocol
        self._cut: str | None = None
        self._silent = False

    def send(self, event: h11.Event) -> bytes | None:  # type: ignore[override]
        if self._silent:
            return b""
        if isinstance(event, h11.Response):
            event = self._response(event)
        if self._cut == "answer":
            return self._fall_silent(b"")
        if self._cut == "half" and isinstance(event, h11.Data):
            half = bytes(event.data)[: len(event.data) // 2]
            return self._fall_silent(super().send(h11.Data(data=half)) or b"")
        return super().send(event)

    def _response(self, event: h11.Response) -> h11.Response:
        told = dict(event.headers)
        self._cut = told.get(b"x-cut", b"").decode() or None
        headers = [(name, value) for name, value in event.headers if name not in (b"x-reason", b"x-cut")]
        return h11.Response(status_code=event.status_code, headers=headers, reason=told.get(b"x-reason", event.reason))

    def _fall_silent(self, last: bytes) -> bytes:
        """Close once the caller has written `last`; nothing else goes out on this connection."""
        self._silent = True
        asyncio.get_running_loop().call_soon(self._protocol.transport.close)
        return last


class ApiProtocol(H11Protocol):
    """One HTTP connection. An upgrade to WebSocket is handed to a ConsoleSocket with the request it came with."""

    def __init__(self, desk: ConsoleDesk, **uvicorn_arguments: Any) -> None:
        super().__init__(**uvicorn_arguments)
        self._desk = desk
        self.conn = Wire(self)

    def handle_events(self) -> None:
        arrived_at.set(self._listener())
        super().handle_events()

    def _listener(self) -> int:
        return int(self.server[1] or 0) if self.server else 0

    def _should_upgrade(self) -> bool:
        return self._get_upgrade() == b"websocket"

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self.connections.discard(self)
        scope = cast(dict[str, Any], self.scope)
        console = ConsoleSocket(self._desk, cast(Any, self.app), scope, self._listener())
        self.transport.set_protocol(console)
        console.connection_made(self.transport)


class _Uvicorn(uvicorn.Server):
    """Signals belong to whoever starts us; `listening` is set once connections are accepted."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class ApiServer:
    """Serves the API over TLS on one or more loopback ports, one per node if asked."""

    def __init__(
        self, app: Any, desk: ConsoleDesk, certificates: Certificates, ports: Sequence[int], host: str = "127.0.0.1"
    ) -> None:
        self._desk = desk
        self._sockets = [_listen(host, port) for port in ports]
        config = uvicorn.Config(
            app,
            http=cast(Any, functools.partial(ApiProtocol, desk)),
            ws="none",
            lifespan="off",
            ssl_certfile=certificates.cert_file,
            ssl_keyfile=certificates.key_file,
            server_header=False,
            headers=[("Server", SERVER_NAME)],
            proxy_headers=False,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self._server = _Uvicorn(config)
        self._task: asyncio.Task[None] | None = None

    @property
    def ports(self) -> list[int]:
        """The ports that are served; a wanted port 0 has become a real one."""
        return [int(one.getsockname()[1]) for one in self._sockets]

    async def start(self) -> None:
        """Returns when connections are accepted."""
        self._task = asyncio.create_task(self._server.serve(sockets=self._sockets))
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait({listening, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            listening.cancel()
            self._task.result()

    async def stop(self) -> None:
        """Consoles end first, then requests in flight have a second to finish."""
        self._desk.close()
        self._server.should_exit = True
        if self._task is not None:
            await self._task


def _listen(host: str, port: int) -> socket.socket:
    """Port 0 takes a free one below those that outgoing connections use. Raises OSError when the port is taken."""
    if port == 0:
        return _listen_anywhere(host)
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY by proto
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((host, port))
    except OSError:
        one.close()
        raise
    return one


def _listen_anywhere(host: str) -> socket.socket:
    for _ in range(100):
        with contextlib.suppress(OSError):
            return _listen(host, random.randrange(*FREE_PORTS))
    raise OSError("a hundred ports tried, none free")
