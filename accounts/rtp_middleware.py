"""What RTP power needs of every request: the way to a fresh proof and back, and viewing as a member."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from accounts import view_as
from accounts.access import is_rtp
from accounts.held_forms import drop_sent, hold, hold_page
from accounts.models import User
from accounts.proof import SESSION_KEY, ProofNeeded, drop_proof, has_proof

Answer = Callable[[HttpRequest], HttpResponseBase]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
NEEDED = "As an RTP you do this with a fresh proof of who you are."
#: What works while an RTP views as a member, besides looking. Both act for the RTP.
STOPS = frozenset({"people:view_end", "account_logout"})
READ_ONLY = "You look with {name}'s eyes: nothing can be changed, opened or typed here. Stop viewing first."


class ProofMiddleware:
    """Turns ProofNeeded into the trip to the proof: a page for a form, a redirect for htmx, JSON for a script."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if SESSION_KEY in request.session and not is_rtp(request.user):
            drop_proof(request)
        if request.method not in SAFE and "held_forms" in request.session and has_proof(request):
            drop_sent(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The trip, for ProofNeeded only."""
        if not isinstance(error, ProofNeeded):
            return None
        is_script = "application/json" in request.headers.get("Accept", "") or bool(error.back and not request.POST)
        ref = hold_page(request, error.back or "/", error.what) if is_script else hold(request, error.what)
        url = f"{reverse('account_proof')}?form={ref}"
        if is_script:
            return JsonResponse({"refusal": NEEDED, "code": "proof", "url": url}, status=403)
        if getattr(request, "htmx", False):
            return HttpResponse(status=403, headers={"HX-Redirect": url})
        return HttpResponse(status=303, headers={"Location": url})


class ViewAsMiddleware:
    """While an RTP views as a member, `request.user` is the member and `request.viewer` the RTP; else viewer is None.

    Only pages marked readable are opened; every other address, and every method that could change something, is
    refused with a sentence.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.viewer = None  # type: ignore[attr-defined]
        if view_as.SESSION_KEY in request.session and isinstance(request.user, User):
            viewer = request.user
            member = view_as.viewed(request, viewer)
            if member is not None:
                request.viewer, request.user = viewer, member  # type: ignore[attr-defined]
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Refuses what is not looking."""
        viewer: User | None = request.viewer  # type: ignore[attr-defined]
        if viewer is None:
            return None
        match = request.resolver_match
        if match is not None and match.view_name in STOPS:
            self._as_oneself(request, viewer)
            return None
        if request.method in SAFE and getattr(view, "readable_as_member", False):
            return None
        sentence = READ_ONLY.format(name=request.user.get_username())
        if "application/json" in request.headers.get("Accept", ""):
            return JsonResponse({"refusal": sentence, "code": "stay"}, status=403)
        return render(request, "403.html", {"exception": sentence}, status=403)

    def _as_oneself(self, request: HttpRequest, viewer: User) -> None:
        """Signing out and stopping act for the RTP, whose session it is."""
        request.user, request.viewer = viewer, None  # type: ignore[attr-defined]
        if (
            request.method not in SAFE
            and request.resolver_match
            and request.resolver_match.view_name != "people:view_end"
        ):
            view_as.end(request, viewer, "signed out")


def proof_minutes() -> int:
    """How long a proof holds, in whole minutes, for sentences."""
    return max(1, round(settings.PROOF_S / 60))
