"""Trips to the provider and back: to sign in, to refresh a session unseen, to prove afresh who one is.

What a trip is for is kept beside its state and nonce, in the session of the browser that set out.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from mozilla_django_oidc.views import OIDCAuthenticationRequestView

from accounts.oidc import health
from accounts.oidc.errors import ProviderUnavailable
from accounts.oidc.library import house_setting
from accounts.oidc.provider import discover
from accounts.sign_in_reasons import sentence
from accounts.spent import spend_once

STATES, TRIP = "oidc_states", "trip"
LONGEST_S = 3600
LONGEST_NEXT = 2000
Purpose = Literal["sign_in", "refresh", "proof"]


@dataclass(frozen=True, slots=True)
class Trip:
    """`user_id`: who set out, "" for somebody not signed in; `started_at` in seconds since 1970."""

    purpose: Purpose
    next_url: str
    started_at: float
    user_id: str


class Departure(OIDCAuthenticationRequestView):
    """The library's way out, with state, nonce and PKCE; `asked` are further parameters."""

    get_settings = staticmethod(house_setting)
    asked: dict[str, str]

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        """`prompt` and `max_age`, where a trip needs them."""
        return self.asked


def depart(request: HttpRequest, purpose: Purpose, next_url: str, **asked: str) -> HttpResponse:
    """The answer that leads to the provider. Raises ProviderUnavailable."""
    view = Departure()
    view.asked = asked
    query = urlsplit(view.get(request).url).query
    endpoint = discover().authorization_endpoint
    state = parse_qs(query)["state"][0]
    request.session.pop("oidc_login_next", None)
    trip = Trip(purpose, next_url, time.time(), request.session.get(SESSION_KEY, ""))
    request.session[STATES][state][TRIP] = asdict(trip)
    request.session.modified = True
    return leave(request, endpoint, query.removeprefix(urlsplit(endpoint).query).lstrip("?&"))


def start_proof(request: HttpRequest, next_url: str) -> HttpResponse:
    """Sends somebody who came by the house there to sign in anew; back at `next_url` they have a fresh proof.

    What the session holds else, such as held forms, stays. Failures come back to `next_url` with a message.
    """
    if not (settings.OIDC_ISSUER and health.ask()):
        messages.error(request, sentence("unavailable"))
        return redirect(next_url)
    try:
        # Some providers never stop asking at max_age=0; `prompt` asks anew, and `auth_time` is checked by us.
        return depart(request, "proof", next_url, prompt="login", max_age=str(max(1, int(settings.PROOF_S))))
    except ProviderUnavailable:
        messages.error(request, sentence("unavailable"))
        return redirect(next_url)


def find(request: HttpRequest) -> Trip | None:
    """The trip this callback ends, if this very browser set out on it not long ago."""
    entry = _states(request).get(request.GET.get("state", ""))
    found = entry.get(TRIP) if isinstance(entry, dict) else None
    if not isinstance(found, dict):
        return None
    trip = Trip(**found)
    is_ours = trip.user_id == request.session.get(SESSION_KEY, "")
    return trip if is_ours and 0 <= time.time() - trip.started_at <= LONGEST_S else None


def end(request: HttpRequest) -> bool:
    """The trip is over, whatever became of it; True for exactly one of several callbacks with one state."""
    return spend_once("oidc-state", request.GET.get("state", ""), for_s=LONGEST_S, now=timezone.now())


def drop(request: HttpRequest) -> None:
    """Forgets state and nonce."""
    if _states(request).pop(request.GET.get("state", ""), None) is not None:
        request.session.modified = True


def safe_next(request: HttpRequest, wanted: str) -> str:
    """Where to go on: a page of ours, else the first one."""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return (
        wanted if is_ours and wanted.startswith("/") and len(wanted) <= LONGEST_NEXT and wanted.isprintable() else "/"
    )


def leave(request: HttpRequest, endpoint: str, query: str) -> HttpResponse:
    """To the provider: a redirect, or a page that goes on by itself where a form's redirect would be stopped.

    `form-action` in settings.py names the issuer's origin; a provider may have its pages at another.
    """
    url = f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"
    there, home = urlsplit(endpoint), urlsplit(settings.OIDC_ISSUER)
    if request.method == "GET" or (there.scheme, there.netloc) == (home.scheme, home.netloc):
        return redirect(url)
    response = render(request, "account/house_leave.html", {"url": url})
    response["Refresh"] = f"0; url={url}"
    return response


def _states(request: HttpRequest) -> dict[str, Any]:
    found = request.session.get(STATES)
    return found if isinstance(found, dict) else {}
