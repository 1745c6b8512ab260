"""Entry point of a process that carries consoles and no pages: a busy page would make keys wait."""

import os

import django
from channels.routing import ProtocolTypeRouter

from vmportal.access_log import without_queries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vmportal.settings")
django.setup()
without_queries()

from consoles.backpressure import Receive, Scope, Send  # noqa: E402 (needs the apps that the line above loads)
from consoles.routing import websocket_application  # noqa: E402


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """Pages are served elsewhere; a health check gets its answer."""
    is_health = scope["path"] == "/healthz"
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200 if is_health else 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok" if is_health else b"not here"})


application = ProtocolTypeRouter({"http": nothing_here, "websocket": websocket_application})
