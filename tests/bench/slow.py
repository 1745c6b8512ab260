"""The consoles' process with one page more, whose query takes a second: what must not be felt at a key."""

import time
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connection

from consoles.backpressure import Receive, Scope, Send

QUERY_S = 1.0


def query() -> float:
    """A query that waits in the database for a second; the seconds that it took."""
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        connection.connection.create_function("wait", 1, time.sleep)
        cursor.execute("SELECT wait(%s)", [QUERY_S])
    return time.perf_counter() - begun


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers /healthz at once, everything else when the query is done."""
    took = 0.0 if scope["path"] == "/healthz" else await sync_to_async(query, thread_sensitive=True)()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{took:.3f}".encode()})


def with_the_page(sockets: Any) -> Any:
    """An application of these sockets and the page."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await (page if scope["type"] == "http" else sockets)(scope, receive, send)

    return application
