"""Which pages of local accounts are whose, and the second factor that a local RTP must have."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts.local import is_local, must_add_factor
from accounts.models import User

#: Passwords and factors of a house account are the house's business: these pages are not there for it.
LOCAL_ONLY = {"account_change_password", "account_reauthenticate"}
#: What an RTP without a second factor still reaches.
WITHOUT_FACTOR = {"account_login", "account_logout", "account_inactive", "account_reauthenticate",
                  "account_change_password", "healthz"}  # fmt: skip
FACTORS = "mfa_"


class LocalAccountsMiddleware:
    """Runs after authentication. Behind "view as member" the rules are those of the RTP who looks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Hides what is not for this account, or leads to the second factor."""
        user = getattr(request, "viewer", None) or request.user
        if not isinstance(user, User):
            return None
        name = request.resolver_match.view_name if request.resolver_match else ""
        is_factor_page = name.startswith(FACTORS)
        if not is_local(user):
            if is_factor_page or name in LOCAL_ONLY:
                raise Http404("House accounts have their password and factors at the house.")
            return None
        if name == "account_change_password" and not user.has_usable_password():
            raise Http404("There is no password to change.")
        if is_factor_page or name in WITHOUT_FACTOR or not must_add_factor(user):
            return None
        return _to_factors(request)


def _to_factors(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=401)
        answer.headers["HX-Redirect"] = reverse("mfa_index")
        return answer
    return redirect("mfa_index")
