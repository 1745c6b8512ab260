"""Asks the provider now and then, unseen, whether a session of the house still holds."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import cached_property
from mozilla_django_oidc.middleware import SessionRefresh

from accounts.oidc import health, trips
from accounts.oidc.backend import NAME
from accounts.oidc.callback import CONFIRMED, EXPIRATION, end_here, postpone, to_sign_in
from accounts.oidc.errors import ProviderUnavailable
from accounts.oidc.library import house_setting

EXEMPT = ("oidc_start", "oidc_callback", "oidc_backchannel", "account_logout", "account_login", "healthz")
REFRESH = "Your sign-in has to be looked at again. Load the page anew."


class HouseSessionRefresh(SessionRefresh):
    """The library's rule when to ask, with a look first whether the provider answers.

    A page goes there and back by itself; htmx loads its page anew; a script gets an answer it can read. Forms are
    never redirected. While the provider does not answer, everybody who is in stays in, for as long as a session
    lives without being confirmed.
    """

    get_settings = staticmethod(house_setting)
    OIDC_EXEMPT_URLS: tuple[str, ...] = ()

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        # The library's own reads the provider's endpoints when the process starts.
        MiddlewareMixin.__init__(self, get_response)

    @cached_property
    def exempt_urls(self) -> set[str]:
        """Addresses where nobody is asked."""
        return {reverse(name) for name in EXEMPT}

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """An answer in the page's place, where the provider has to be asked."""
        if not settings.OIDC_ISSUER or request.session.get(BACKEND_SESSION_KEY) != NAME:
            return None
        now = time.time()
        if request.session.get(EXPIRATION, 0) > now or not self.is_refreshable_url(request):
            return None
        if health.is_answering():
            return _ask(request)
        if now - request.session.get(CONFIRMED, 0) > settings.SESSION_COOKIE_AGE:
            end_here(request)
            return to_sign_in("ended", request.get_full_path())
        postpone(request)
        return None


def _ask(request: HttpRequest) -> HttpResponse | None:
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    if not _is_page(request):
        return JsonResponse({"refusal": REFRESH, "code": "refresh", "refresh_url": "/"}, status=403)
    try:
        return trips.depart(request, "refresh", request.get_full_path(), prompt="none")
    except ProviderUnavailable:
        postpone(request)
        return None


def _is_page(request: HttpRequest) -> bool:
    """A browser opens a page; only then can it be led elsewhere."""
    is_script = request.headers.get("X-Requested-With") == "XMLHttpRequest"
    is_json = request.headers.get("Accept", "").startswith("application/json")
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and not is_script and not is_json
