"""The portal's sockets without `Backpressure`: the control of the tests of stalled and flooding browsers."""

from channels.routing import ProtocolTypeRouter

from vmportal import asgi

bare = asgi.websocket_application.app  # type: ignore[attr-defined]
application = ProtocolTypeRouter({"http": asgi.pages, "websocket": bare})
