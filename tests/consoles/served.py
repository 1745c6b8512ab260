"""The portal with its static files straight from their folders, for a browser in front of it."""

from channels.routing import ProtocolTypeRouter
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler

from vmportal import asgi

application = ProtocolTypeRouter(
    {"http": ASGIStaticFilesHandler(asgi.pages), "websocket": asgi.application.application_mapping["websocket"]}
)
