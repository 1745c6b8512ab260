"""The portal's sockets without `Backpressure`: the control of the tests of stalled and flooding browsers."""

from channels.routing import ProtocolTypeRouter

from vmportal.asgi import pages, websocket_application

application = ProtocolTypeRouter({"http": pages, "websocket": websocket_application.app})
