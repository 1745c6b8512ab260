"""Hears what allauth does, and has it noted and followed up."""

from typing import Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import local, preferences
from accounts.addresses import address_of
from accounts.models import User

RECOVERY = Authenticator.Type.RECOVERY_CODES


@receiver(account_signals.user_logged_in)
def on_signed_in(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    """A local person came in, with every step done."""
    local.signed_in(user, address=address_of(request))


@receiver(user_logged_in)
def on_any_sign_in(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    """Local or by the house: whoever asked for it gets a mail."""
    preferences.tell_of_sign_in(user, address=address_of(request))


@receiver(account_signals.password_changed)
def on_password_changed(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    """Other sessions end."""
    local.password_changed(request, user)


@receiver(mfa_signals.authenticator_added)
def on_factor_added(sender: object, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Recovery codes come along with the first factor and are no change of their own."""
    if authenticator.type != RECOVERY:
        local.factor_changed(request, user, authenticator.type, "added")


@receiver(mfa_signals.authenticator_removed)
def on_factor_removed(sender: object, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    """Recovery codes go along with the last factor."""
    if authenticator.type != RECOVERY:
        local.factor_changed(request, user, authenticator.type, "removed")


@receiver(mfa_signals.authenticator_reset)
def on_codes_renewed(sender: object, request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    """New recovery codes: the old ones end, and so do other sessions."""
    local.factor_changed(request, user, authenticator.type, "renewed")


@receiver(mfa_signals.authentication_failed)
def on_wrong_code(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    """Noted in the audit trail."""
    local.sign_in_failed(user.username, address=address_of(request), what="second factor")
