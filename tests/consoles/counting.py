"""The portal, which also tells how many tasks its event loop has: so that a test can see whether any stays behind."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from vmportal import asgi

PATH = "/_tasks"


async def application(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    """The portal's, but for one path."""
    if scope["type"] != "http" or scope["path"] != PATH:
        await asgi.application(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(len(asyncio.all_tasks())).encode()})
