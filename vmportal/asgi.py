"""Entry point for pages and sockets together (one Daphne, as in the demo)."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from vmportal.access_log import without_queries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "vmportal.settings")
pages = get_asgi_application()
without_queries()

from consoles.routing import websocket_application  # noqa: E402 (needs the apps that the line above loads)

application = ProtocolTypeRouter({"http": pages, "websocket": websocket_application})
