"""A request of a signed-in person, typed."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from accounts.models import User

P = ParamSpec("P")


class PersonRequest(HttpRequest):
    """What `person_required` hands on."""

    user: User
    htmx: HtmxDetails


def person_required(
    view: Callable[Concatenate[PersonRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Sends whoever is not signed in to the sign-in page; the view then has a User for certain.

    A part of a page that asks for itself after the session ended leads the whole window there.
    """

    @wraps(view)
    def inner(request: HttpRequest, *args: P.args, **kw: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kw)  # type: ignore[arg-type]
        if not request.htmx:  # type: ignore[attr-defined]
            return redirect_to_login(request.get_full_path())
        here = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
        sign_in = redirect_to_login(here).headers["Location"]
        return HttpResponse(status=401, headers={"HX-Redirect": sign_in})

    return inner  # type: ignore[return-value]
