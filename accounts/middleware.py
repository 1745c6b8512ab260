"""Response rules that hold on every page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase


class NoStoreMiddleware:
    """Pages of a signed-in person are never stored: the next person at the machine must not find them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if isinstance(response, HttpResponse) and "Cache-Control" not in response:
            response["Cache-Control"] = "no-store"
        return response
