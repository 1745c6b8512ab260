"""The real consoles beside the page of `slow`."""

from tests.bench import slow
from vmportal import asgi_consoles

application = slow.with_the_page(asgi_consoles.application)
