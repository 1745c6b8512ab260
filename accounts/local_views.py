"""Pages of local accounts: the sign-in page, passwords by code, sessions, second factors."""

from datetime import datetime
from typing import Any

from allauth.account.views import LoginView
from allauth.mfa.base.views import IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import attempts, links, local
from accounts.addresses import address_of, is_address
from accounts.local_forms import DOES_NOT_FIT, AskForResetForm, NewPasswordForm
from accounts.models import User
from accounts.oidc.health import house_sign_in_state
from accounts.sign_in_reasons import sentence

hidden_passwords = sensitive_post_parameters("code", "password1", "password2")


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 (login_required)
    return request.user


class SignInView(LoginView):
    """One page for all: the house's button first, the form of local accounts folded below it."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds the house's button or what became of it, and why somebody was sent here."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        has_house = bool(settings.OIDC_ISSUER)
        answers, since = house_sign_in_state() if has_house else (None, None)
        return context | {
            "has_house": has_house,
            "house_label": settings.HOUSE_ACCOUNT_LABEL,
            "house_is_down": answers is False,
            "house_since": since,
            "why": sentence(self.request.GET.get("why", ""), period_s=settings.DIRECTORY_PERIOD_S),
            "next_page": context.get("redirect_field_value") or "",
            "is_open": bool(context["form"].errors) or not has_house or answers is False,
        }

    def form_invalid(self, form: Any) -> HttpResponse:
        """422, as every form of ours that was not taken."""
        answer: HttpResponse = self.render_to_response(self.get_context_data(form=form), status=422)
        return answer


@require_http_methods(["GET", "POST"])
def ask_for_reset(request: HttpRequest) -> HttpResponse:
    """Asks for a code by mail. Whether somebody of that name exists is not told."""
    form = AskForResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        name, now = form.cleaned_data["name"].strip(), timezone.now()
        if not attempts.may_ask_for_reset(name, address_of(request), now):
            return render(request, "429.html", status=429)
        return redirect("account_reset_password_code", ref=local.ask_for_reset(name, now=now))
    status = 422 if form.errors else 200
    return render(request, "account/password_reset.html", {"form": form}, status=status)


@hidden_passwords
@require_http_methods(["GET", "POST"])
def reset_password(request: HttpRequest, ref: str) -> HttpResponse:
    """A new password with the code from the mail. An unknown address looks like a known one."""
    return _new_password(request, ref, links.RESET, "account/password_reset_code.html")


@hidden_passwords
@require_http_methods(["GET", "POST"])
def break_glass(request: HttpRequest, ref: str) -> HttpResponse:
    """The first password of a break-glass account, with the code from the administrator's terminal."""
    return _new_password(request, ref, links.BREAK_GLASS, "account/break_glass.html")


def _new_password(request: HttpRequest, ref: str, purpose: str, template: str) -> HttpResponse:
    form, now = NewPasswordForm(request.POST or None), timezone.now()
    if request.method == "POST" and form.is_valid():
        if not attempts.may_try_link(address_of(request), now):
            return render(request, "429.html", status=429)
        if _took(form, request, ref, purpose, now):
            messages.success(request, "Your new password is set. Sign in with it now.")
            return redirect("account_login")
    return render(request, template, {"form": form, "ref": ref}, status=422 if form.errors else 200)


def _took(form: NewPasswordForm, request: HttpRequest, ref: str, purpose: str, now: datetime) -> bool:
    """True where the password was set; otherwise the form says why not."""
    link = links.open_link(purpose, ref, form.cleaned_data["code"], now)
    if link is None:
        form.add_error("code", DOES_NOT_FIT)
        return False
    if not form.judge(form.cleaned_data["password1"], link.user):
        return False
    try:
        local.set_password(link, form.cleaned_data["password1"], address=address_of(request), now=now)
    except local.LinkSpent:
        form.add_error("code", DOES_NOT_FIT)
        return False
    return True


class SessionsView(ListUserSessionsView):
    """Where the person is signed in; a POST signs out everywhere else."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Also ends what is not in the list."""
        local.end_others(self.request, _person(self.request))
        messages.success(self.request, "You are signed out everywhere else.")
        return redirect("usersessions_list")


@login_required
@require_POST
def end_session(request: HttpRequest, session_id: int) -> HttpResponse:
    """Signs out one of the person's own browsers."""
    user = _person(request)
    session = get_object_or_404(UserSession, pk=session_id, user=user)
    local.end_one(user, session, address=address_of(request))
    messages.success(request, "That browser is signed out.")
    return redirect("usersessions_list")


class FactorsView(IndexView):
    """The person's second factors."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds whether they must add one before they can go on."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        user = _person(self.request)
        return context | {
            "must_add": local.must_add_factor(user),
            "is_exempt": settings.DEMO and user.is_rtp,
            "has_name": not is_address(self.request.get_host()),
        }


class AddPasskeyView(AddWebAuthnView):
    """Adds a passkey. Browsers make none for an address without a name."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds whether the portal is reached by a name."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"has_name": not is_address(self.request.get_host())}


@method_decorator(login_required, name="dispatch")
class RemovePasskeyView(RemoveWebAuthnView):
    """Removes a passkey, but not the last factor of an RTP."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds whether it may be removed."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return context | {"may_remove": local.may_remove(self.object)}

    def form_valid(self, form: Any) -> HttpResponse:
        """Read again at the moment of use."""
        authenticator = Authenticator.objects.select_related("user").get(pk=self.get_object().pk)
        if not local.may_remove(authenticator):
            messages.error(self.request, "An RTP needs a second factor. Add another one first.")
            return redirect("mfa_index")
        answer: HttpResponse = super().form_valid(form)
        return answer
