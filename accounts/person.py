"""A request of somebody who is signed in, and of an RTP, typed: for pages of accounts."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from accounts.access import is_rtp
from accounts.models import User

P = ParamSpec("P")


class RtpRequest(HttpRequest):
    """What `rtp_required` hands on: its user is an RTP, read at this moment."""

    user: User


def rtp_required(
    view: Callable[Concatenate[RtpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """For RTPs only: asks others to sign in, or tells them that it is not for them."""

    @wraps(view)
    def inner(request: HttpRequest, *args: P.args, **kw: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return to_sign_in(request)
        if not is_rtp(request.user):
            raise PermissionDenied("This page is for RTPs.")
        return view(request, *args, **kw)  # type: ignore[arg-type]  # is_rtp made sure of it

    return inner  # type: ignore[return-value]  # functools.wraps keeps the name of the argument only


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Leads to the sign-in page and back; from a part of a page that asks for itself, it leads the whole window."""
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect_to_login(request.get_full_path())
    here = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
    return HttpResponse(status=401, headers={"HX-Redirect": redirect_to_login(here).headers["Location"]})
