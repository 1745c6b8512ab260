"""The Django admin behind the portal's own sign-in, for RTPs only."""

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse


class PortalAdminSite(AdminSite):
    """An RTP is in; nobody else is, whatever `is_staff` says. There is no second sign-in form."""

    site_header = "VMPortal administration"
    site_title = "VMPortal administration"
    index_title = "What RTPs decide"

    def has_permission(self, request: HttpRequest) -> bool:
        """True for an active RTP."""
        user = request.user
        return bool(user.is_authenticated and user.is_active and getattr(user, "is_rtp", False))

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """The portal's sign-in page, which comes back here; whoever is signed in and no RTP is told so."""
        if request.user.is_authenticated:
            raise PermissionDenied("The administration is for RTPs.")
        return redirect_to_login(request.get_full_path())
