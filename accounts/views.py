"""Pages about the person."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that came without its token: nothing was done, go back and send it again."""
    return render(request, "403.html", {"csrf": True}, status=403)
