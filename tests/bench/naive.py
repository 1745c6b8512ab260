"""The console as one would write it first: Channels' own consumer, websockets' own client. A yardstick only.

No back-pressure, no RFB, no filter, no grants: NAIVE_TARGET names a node, NAIVE_CA whom to trust.
"""

import asyncio
import os
import ssl
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.bench import slow

TRUST = ssl.create_default_context(cafile=os.environ["NAIVE_CA"])


class Relay(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One viewer at one node."""

    _pump: "asyncio.Task[None] | None" = None

    async def connect(self) -> None:
        self._node = await connect(
            os.environ["NAIVE_TARGET"], ssl=TRUST, subprotocols=[Subprotocol("binary")], max_size=None, compression=None
        )
        await self.accept("binary" if self.scope["subprotocols"] else None)
        self._pump = asyncio.ensure_future(self._run())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self._node.send(bytes_data or b"")

    async def disconnect(self, code: int) -> None:
        if self._pump is not None:
            self._pump.cancel()
        await self._node.close()

    async def _run(self) -> None:
        async for message in self._node:
            await self.send(bytes_data=message if isinstance(message, bytes) else message.encode())


application: Any = ProtocolTypeRouter({"http": slow.page, "websocket": Relay.as_asgi()})
