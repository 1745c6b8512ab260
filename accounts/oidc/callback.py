"""The way back from the provider: the checks around the library's own, and what follows from each kind of trip."""

import logging
import time
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import auth, messages
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.request import QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView

from accounts.models import User
from accounts.oidc import health, provider, sessions, trips
from accounts.oidc.backend import NAME, sid_of
from accounts.oidc.errors import ProviderUnavailable, SignInRefused
from accounts.oidc.library import house_setting
from accounts.oidc.tokens import moment
from accounts.proof import note_proof
from accounts.sign_in_reasons import sentence

log = logging.getLogger(__name__)
ID_TOKEN, SID = "oidc_id_token", "oidc_sid"
EXPIRATION, CONFIRMED = "oidc_id_token_expiration", "oidc_confirmed_at"
#: The provider says that the person's session there is over (OpenID Connect Core 1.0, 3.1.2.6).
OVER = frozenset({"login_required", "interaction_required", "consent_required", "account_selection_required"})
FAILING = frozenset({"server_error", "temporarily_unavailable"})
LONGEST_VALUE = 4096
#: A refresh that ends so says nothing about the person: it is tried again later, and nobody is thrown out.
POSTPONING = frozenset({"unavailable", "clock", "key"})


class Callback(OIDCAuthenticationCallbackView):
    """Every refusal ends in a sentence, never in an error page, and changes nothing."""

    get_settings = staticmethod(house_setting)
    trip: trips.Trip
    user: User

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ends one trip: the library takes the code, we decide what it was for."""
        trip = trips.find(request) if settings.OIDC_ISSUER else None
        if trip is None:
            return to_sign_in("lost") if not request.user.is_authenticated else redirect("/")
        self.trip = trip
        try:
            check_answer(request)
            answer: HttpResponse = super().get(request)
        except ProviderUnavailable as error:
            log.warning("the house's sign-in does not answer: %s", error)
            health.ask()  # what came with the browser must not be able to take the button away from everybody
            return self._refuse(SignInRefused("unavailable"))
        except SignInRefused as refused:
            log.warning("a sign-in by the house was refused: %s", refused.reason)
            return self._refuse(refused)
        except (SuspiciousOperation, UpdateError):
            return self._refuse(SignInRefused("lost"))
        return answer

    def login_failure(self) -> HttpResponse:
        """The library came to nothing."""
        raise SignInRefused("rejected")

    def login_success(self) -> HttpResponse:
        """The person is who they are; what the trip was for happens now."""
        id_token, payload = self.request.house_token
        if self.trip.purpose == "proof":
            check_proof(payload, self.trip.started_at)
        if self.trip.purpose == "sign_in":
            self._sign_in(payload)
        session = self.request.session
        session[ID_TOKEN] = id_token
        session[CONFIRMED] = time.time()
        session[EXPIRATION] = time.time() + settings.OIDC_REFRESH_S
        if self.trip.purpose == "proof":
            note_proof(self.request, "house")
        return redirect(self.trip.next_url)

    def _sign_in(self, payload: dict[str, Any]) -> None:
        auth.login(self.request, self.user, backend=NAME)
        session = self.request.session
        session[SID] = sid_of(payload)
        session.pop(trips.STATES, None)
        session.save()
        sessions.remember(self.user, sid=session[SID], session_key=session.session_key or "")
        UserSession.objects.purge_and_list(self.user)
        UserSession.objects.create_from_request(self.request)

    def _refuse(self, refused: SignInRefused) -> HttpResponse:
        request, trip = self.request, self.trip
        trips.drop(request)
        if trip.purpose == "proof":
            messages.error(request, said(refused))
            return redirect(trip.next_url)
        if trip.purpose == "refresh":
            if refused.code in POSTPONING:
                postpone(request)
                return redirect(trip.next_url)
            end_here(request)
        if refused.sentence:
            messages.error(request, refused.sentence)
        return to_sign_in(refused.code, trip.next_url)


def check_answer(request: HttpRequest) -> None:
    """What has to hold before a word of the answer counts. Raises SignInRefused."""
    asked: QueryDict = request.GET
    if any(len(values) > 1 or len(values[0]) > LONGEST_VALUE for _name, values in asked.lists()):
        raise SignInRefused("rejected", "a parameter twice, or too long")
    if not _is_by_our_issuer(asked):
        raise SignInRefused("rejected", "the answer is another issuer's")
    if not trips.end(request):
        raise SignInRefused("rejected", "this answer was given before")
    error = asked.get("error")
    if error in OVER:
        raise SignInRefused("ended", "the session at the house has ended")
    if error in FAILING:
        raise ProviderUnavailable("it says so itself")
    if error is not None:
        code = "cancelled" if error == "access_denied" else "rejected"
        raise SignInRefused(code, f"the house answered {error[:40]!r}")


def _is_by_our_issuer(asked: QueryDict) -> bool:
    """Some providers promise to say who they are (RFC 9207) and do so with a code, but not with an error."""
    if "iss" in asked:
        return asked["iss"] == settings.OIDC_ISSUER
    return "error" in asked or not provider.discover().names_itself


def check_proof(payload: dict[str, Any], started_at: float) -> None:
    """The person was asked anew after the trip began. Raises SignInRefused."""
    at = moment(payload.get("auth_time"))
    if at is None:
        raise SignInRefused("no_auth_time")
    if not started_at - settings.OIDC_LEEWAY_S <= at <= time.time() + settings.OIDC_LEEWAY_S:
        raise SignInRefused("stale", "auth_time")


def postpone(request: HttpRequest) -> None:
    """The provider is asked again later; the session holds meanwhile."""
    request.session[EXPIRATION] = time.time() + min(settings.OIDC_CHECK_S, settings.OIDC_REFRESH_S)


def end_here(request: HttpRequest) -> None:
    """Signs out here; consoles hear of it through Django's signal."""
    sessions.forget(request.session.session_key or "")
    auth.logout(request)


def to_sign_in(code: str, next_url: str = "") -> HttpResponse:
    """The sign-in page with the sentence of this code; it leads on to where the person wanted to go."""
    query = {"why": code} | ({"next": next_url} if next_url not in {"", "/"} else {})
    return redirect(f"{reverse('account_login')}?{urlencode(query)}")


def said(refused: SignInRefused) -> str:
    """The refusal in words."""
    return refused.sentence or sentence(refused.code, period_s=settings.DIRECTORY_PERIOD_S)
