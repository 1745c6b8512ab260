"""Pages about the person."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.addresses import address_of
from accounts.forms import AddKeyForm
from accounts.models import User
from accounts.ssh_keys import remove_key, save_key


@login_required
@require_http_methods(["GET", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Keys, password, second factor, sessions; a POST saves a key."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 (login_required)
    form = AddKeyForm(request.POST or None, prefix="new")
    if request.method == "POST" and form.is_valid():
        key = save_key(user, form.cleaned_data["public_key"], address=address_of(request))
        messages.success(request, f"Saved the key {key}.")
        return redirect("account_home")
    status = 422 if form.errors else 200
    return render(request, "account/home.html", {"form": form, "keys": user.ssh_keys.all()}, status=status)


@login_required
@require_POST
def remove_ssh_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """Removes one of the person's own keys. Machines that have it keep it."""
    user = request.user
    assert isinstance(user, User)  # noqa: S101 (login_required)
    name = remove_key(user, key_id, address=address_of(request))
    if not name:
        raise Http404("No key of yours is here.")
    messages.success(request, f"Removed the key {name}. Machines that have it keep it.")
    return redirect("account_home")


@require_GET
def inactive(request: HttpRequest) -> HttpResponse:
    """Where the sign-in of an account that is not active ends."""
    return render(request, "account/account_inactive.html")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that came without its token: nothing was done, go back and send it again."""
    return render(request, "403.html", {"csrf": True}, status=403)
