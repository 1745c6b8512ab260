"""The house's sign-in as addresses: out, back, and the two ways in which sessions end together."""

import logging
from typing import Any

from allauth.account.views import LogoutView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.oidc import health, provider, sessions, trips
from accounts.oidc.backend import NAME, expected
from accounts.oidc.callback import ID_TOKEN, Callback, to_sign_in
from accounts.oidc.errors import ProviderUnavailable, SignInRefused
from accounts.oidc.tokens import LOGOUT_AGE_S, logout_token_claims
from accounts.sign_in_reasons import sentence
from accounts.spent import spend_once
from accounts.view_as import readable_as_member

log = logging.getLogger(__name__)
LONGEST_HINT = 6000  # characters; web servers refuse addresses from 8 KiB on


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Out to the house, if it answers; a person is never sent to a dead host."""
    next_url = trips.safe_next(request, request.POST.get("next", ""))
    if not settings.OIDC_ISSUER:
        return to_sign_in("off", next_url)
    if request.user.is_authenticated:
        return redirect(next_url)
    try:
        if health.is_answering(health.PRESSED_TRUSTED_S):
            return trips.depart(request, "sign_in", next_url)
        return to_sign_in("unavailable", next_url)
    except ProviderUnavailable:
        return to_sign_in("unavailable", next_url)


# A refresh comes back here also while an RTP looks with a member's eyes.
callback = readable_as_member(Callback.as_view())


class SignOut(LogoutView):
    """Signs out here, and at the house when the session came from there."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Out here in any case; then on to the house, if it answers."""
        by_house = request.session.get(BACKEND_SESSION_KEY) == NAME
        hint, key = str(request.session.get(ID_TOKEN, "")), request.session.session_key or ""
        response: HttpResponse = super().post(request, *args, **kwargs)
        if not by_house:
            return response
        sessions.forget(key)
        return _out_of_the_house(request, hint) or response


def _out_of_the_house(request: HttpRequest, hint: str) -> HttpResponse | None:
    """The way to the provider's own sign-out; None where it has none."""
    try:
        endpoint = provider.discover().end_session_endpoint if health.is_answering() else None
    except ProviderUnavailable:
        endpoint = None
    if endpoint is None:
        messages.warning(request, sentence("signed_out_here"))
        return redirect("account_login")
    if not endpoint:
        return None
    back = request.build_absolute_uri(reverse("account_login"))
    query = {"client_id": settings.OIDC_CLIENT_ID, "post_logout_redirect_uri": back}
    if hint and len(hint) <= LONGEST_HINT:
        query["id_token_hint"] = hint
    return trips.leave(request, endpoint, urlencode(query))


@csrf_exempt  # the provider's server has no cookie of ours; the token's signature stands in its place
@sensitive_post_parameters("logout_token")
@require_POST
def backchannel(request: HttpRequest) -> HttpResponse:
    """The provider tells that a session or all of a person's ended (OpenID Connect Back-Channel Logout 1.0)."""
    try:
        if not settings.OIDC_ISSUER:
            raise SignInRefused("off")
        claims = logout_token_claims(request.POST.get("logout_token"), provider.keys(), expected())
        ended = _end_sessions(claims)
    except ProviderUnavailable as error:
        log.warning("a logout token could not be checked: %s", error)
        return _answer({"error": "temporarily_unavailable"}, 400)
    except SignInRefused as refused:
        log.warning("a logout token was refused: %s", refused.reason)
        return _answer({"error": "invalid_request"}, 400)
    log.info("the house ended %d sessions", ended)
    return _answer({}, 200)


def _end_sessions(claims: dict[str, Any]) -> int:
    """Once for each token; spent and done together, or neither."""
    kept_s = 2 * (LOGOUT_AGE_S + settings.OIDC_LEEWAY_S)
    with transaction.atomic():
        if not spend_once("logout-token", claims["jti"], for_s=kept_s, now=timezone.now()):
            raise SignInRefused("rejected", "used before")
        subject, sid = str(claims.get("sub", "")), str(claims.get("sid", ""))
        return sessions.end_by_provider(settings.OIDC_ISSUER, subject=subject, sid=sid)


def _answer(body: dict[str, str], status: int) -> HttpResponse:
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})
