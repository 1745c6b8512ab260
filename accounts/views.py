"""Pages about the person."""

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import preferences
from accounts.addresses import address_of
from accounts.forms import AddKeyForm, PreferencesForm
from accounts.models import User
from accounts.profile import profile_of
from accounts.ssh_keys import remove_key, save_key


@sensitive_post_parameters("new-public_key")
@login_required
@require_http_methods(["GET", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    """Profile, keys, ways to sign in, consoles, preferences; a POST saves a key."""
    user = _person(request)
    form = AddKeyForm(request.POST or None, request.FILES or None, prefix="new")
    if request.method == "POST" and form.is_valid():
        key = save_key(user, form.cleaned_data["key"], address=address_of(request))
        messages.success(request, f"Saved the key {key}.")
        return redirect("account_home")
    return _home(request, user, form, PreferencesForm.of(user))


@login_required
@require_POST
def save_preferences(request: HttpRequest) -> HttpResponse:
    """Keeps what the person chose. The colours of this browser follow, also after signing out."""
    user = _person(request)
    form = PreferencesForm(request.POST)
    if not form.is_valid():
        return _home(request, user, AddKeyForm(prefix="new"), form)
    preferences.choose(user, **form.chosen())
    theme = form.cleaned_data["theme"]
    if form.is_partial:
        return _with_theme(HttpResponse(status=204), theme)
    messages.success(request, "Saved your preferences.")
    return _with_theme(redirect("account_home"), theme)


@login_required
@require_POST
def remove_ssh_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """Removes one of the person's own keys. Machines that have it keep it."""
    user = _person(request)
    name = remove_key(user, key_id, address=address_of(request))
    if not name:
        raise Http404("No key of yours is here.")
    messages.success(request, f"Removed the key {name}. Machines that have it keep it.")
    return redirect("account_home")


@require_GET
def inactive(request: HttpRequest) -> HttpResponse:
    """Where the sign-in of an account that is not active ends."""
    return render(request, "account/account_inactive.html")


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 (login_required)
    return request.user


def _home(request: HttpRequest, user: User, form: AddKeyForm, choices: PreferencesForm) -> HttpResponse:
    context = {
        "form": form,
        "choices": choices,
        "profile": profile_of(user),
        "keys": user.ssh_keys.all(),
        "session_count": UserSession.objects.filter(user=user).count(),
    }
    status = 422 if form.errors or choices.errors else 200
    return render(request, "account/home.html", context, status=status)


def _with_theme(answer: HttpResponse, theme: str) -> HttpResponse:
    """The cookie that pages without a person go by. Scripts write it too (static/js/portal.js)."""
    if theme == preferences.SYSTEM:
        answer.delete_cookie("theme", samesite="Lax")
    else:
        answer.set_cookie("theme", theme, max_age=365 * 86_400, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
    return answer


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page for a form that came without its token: nothing was done, go back and send it again."""
    return render(request, "403.html", {"csrf": True}, status=403)
