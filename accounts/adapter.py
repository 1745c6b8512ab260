"""allauth's adapters: no sign-up, limits that the database counts, and rights read at each step of a sign-in."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from accounts import attempts, local
from accounts.addresses import address_of
from accounts.models import User
from accounts.sealing import seal, unseal
from accounts.standing import may_be_signed_in, why_not

#: In the session between password and second factor: what the account was when the password was right.
STANDING_KEY = "signin_standing"

WAYS = {
    "reauthenticate": "Use your password",
    "mfa_reauthenticate": "Use a code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}


class PortalAccountAdapter(DefaultAccountAdapter):
    """Local accounts are made by an administrator; nobody signs up, and house accounts come in by another door."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": "This name and password do not belong together, or it is no local account.",
        "incorrect_password": "This is not your password.",
        "enter_current_password": "This is not your current password.",
        "too_many_login_attempts": "There were many wrong tries. Wait five minutes, then try again.",
        "rate_limited": "There were many wrong tries. Wait five minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Counts the try before the password is looked at, in the database instead of allauth's cache."""
        name, address = str(credentials.get("username", "")), address_of(request)
        if not attempts.may_try_password(name, address, timezone.now()):
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """The local person with this password, also one who may not come in now: `pre_login` says so to them.

        A house account is never one, whatever stands in its password column.
        """
        user = super().authenticate(request, **credentials)
        if user is None:
            return None
        if not isinstance(user, User) or not local.is_local(user):
            self.authentication_failed(request, **credentials)
            return None
        attempts.password_was_right(user.username, address_of(request))
        return user

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Noted in the audit trail."""
        local.sign_in_failed(str(credentials.get("username", "")), address=address_of(request), what="password")

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **rest: Any) -> HttpResponse | None:
        """Before the second factor: whoever may not be signed in reads why; they knew the password."""
        assert isinstance(user, User)  # noqa: S101 (AUTH_USER_MODEL)
        if not may_be_signed_in(user):
            clear_login(request)
            return self.respond_user_inactive(request, user)
        request.session[STANDING_KEY] = user.get_session_auth_hash()
        answer: HttpResponse | None = super().pre_login(request, user, **rest)
        return answer

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """After the second factor: the person as the database has them now, password included."""
        now = User.objects.get(pk=user.pk)
        if not may_be_signed_in(now):
            raise ImmediateHttpResponse(self.respond_user_inactive(request, now))
        if request.session.pop(STANDING_KEY, "") != now.get_session_auth_hash():
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """allauth's ways to show who one is, in our words."""
        return [way | {"description": WAYS[way["id"]]} for way in super().get_reauthentication_methods(user)]

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        """The page that says why not."""
        assert isinstance(user, User)  # noqa: S101 (AUTH_USER_MODEL)
        return render(request, "account/account_inactive.html", {"why": why_not(user)}, status=403)


class PortalMFAAdapter(DefaultMFAAdapter):
    """Second factors in our words; whoever must have one keeps the last."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "cannot_delete_authenticator": "An RTP needs a second factor. Add another one first.",
        "incorrect_code": "This code does not fit. Type the one that is shown now; each counts once.",
    }

    def encrypt(self, text: str) -> str:
        """Secrets of apps and seeds of recovery codes are not in the database in the clear."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """For the moment of use."""
        return unseal(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """False for an RTP's last one."""
        return local.may_remove(authenticator)
