"""WebSocket paths, and the application that both entry points serve."""

from channels.routing import URLRouter
from django.urls import path

from consoles.backpressure import Backpressure, Receive, Scope, Send
from consoles.consumers import ConsoleConsumer

_router = URLRouter([path("ws/console/<int:vm_id>/", ConsoleConsumer.as_asgi())])


async def _route(scope: Scope, receive: Receive, send: Send) -> None:
    """An unknown path is refused as any other socket that nobody may have."""
    try:
        await _router(scope, receive, send)
    except ValueError as error:
        if not str(error).startswith("No route found"):
            raise
        await receive()
        await send({"type": "websocket.close"})


websocket_application = Backpressure(_route)
