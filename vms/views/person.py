"""A request of a signed-in person, typed."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from accounts.models import User
from accounts.person import to_sign_in

P = ParamSpec("P")


class PersonRequest(HttpRequest):
    """What `person_required` hands on."""

    user: User
    htmx: HtmxDetails


def person_required(
    view: Callable[Concatenate[PersonRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Sends whoever is not signed in to the sign-in page; the view then has a User for certain."""

    @wraps(view)
    def inner(request: HttpRequest, *args: P.args, **kw: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kw)  # type: ignore[arg-type]
        return to_sign_in(request)

    return inner  # type: ignore[return-value]
