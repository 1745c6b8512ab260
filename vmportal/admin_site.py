"""The Django admin behind the portal's own sign-in, for RTPs only."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from accounts.access import is_rtp
from accounts.proof import require_proof

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class PortalAdminSite(AdminSite):
    """An RTP is in; nobody else is, whatever `is_staff` says. There is no second sign-in form.

    Looking is free; whatever could change something takes a fresh proof, on every address of the admin.
    """

    site_header = "VMPortal administration"
    site_title = "VMPortal administration"
    index_title = "What RTPs decide"

    def has_permission(self, request: HttpRequest) -> bool:
        """True for an RTP who is active, in the house and not locked."""
        return is_rtp(request.user)

    def admin_view(self, view: View, cacheable: bool = False) -> View:
        """Every view of the admin passes here: the one place for its guard."""
        inner = super().admin_view(view, cacheable)
        if view == self.logout:
            return inner

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kw: Any) -> HttpResponseBase:
            if request.method not in SAFE and self.has_permission(request):
                require_proof(request, "Change something in the administration")
            return inner(request, *args, **kw)

        return cast(View, guarded)

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """The portal's sign-in page, which comes back here; whoever is signed in and no RTP is told so."""
        if request.user.is_authenticated:
            raise PermissionDenied("The administration is for RTPs.")
        return redirect_to_login(request.get_full_path())

    def password_change(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:  # type: ignore[override]
        """The portal's page, which ends other sessions, notes it, and is not there for house accounts."""
        return redirect("account_change_password")
