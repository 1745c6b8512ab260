"""allauth's forms for second factors: each code counts once, and the database counts the wrong ones."""

from typing import Any

from allauth.account.adapter import get_adapter as account_adapter
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.utils import timezone

from accounts import attempts
from accounts.factors import check_app_code, check_code, spend_app_code
from accounts.models import User

KINDS = Authenticator.Type
ATTRS = {"autocomplete": "one-time-code", "inputmode": "text", "spellcheck": "false", "autocapitalize": "off"}


class CodeOnce(forms.Form):
    """The field of a code from the app or of a recovery code."""

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        """Counts the try, then looks at the code; the limit holds for app and recovery codes together."""
        if not attempts.may_try_code(self.user.pk, timezone.now()):
            raise account_adapter().validation_error("too_many_login_attempts")
        code: str = self.cleaned_data["code"]
        found: Authenticator | None = Authenticator.objects.filter(user=self.user, type=self._kind_of(code)).first()
        if found is None:
            self._failed()
            raise get_adapter().validation_error("incorrect_code")
        found.user = self.user
        self.authenticator = found
        attempts.code_was_right(self.user.pk)
        return code

    def _kind_of(self, code: str) -> str:
        if check_app_code(self.user, code):
            return str(KINDS.TOTP)
        return str(KINDS.RECOVERY_CODES) if check_code(self.user, code) else ""

    def _failed(self) -> None:
        """allauth's signal, for the audit trail."""
        first = Authenticator.objects.filter(user=self.user).exclude(type=KINDS.WEBAUTHN).order_by("-type").first()
        if first is not None:
            self._emit_authentication_failed(first)  # type: ignore[attr-defined]  # of the other parent


class SignInCodeForm(CodeOnce, AuthenticateForm):
    """The second step of a sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = _code_field("Code from your app, or a recovery code")


class AgainCodeForm(CodeOnce, ReauthenticateForm):
    """Showing again who one is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = _code_field("Code from your app, or a recovery code")


class SetUpAppForm(ActivateTOTPForm):
    """Setting up an app: the code that proves it is spent, too."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"] = _code_field("Code that the app shows now")

    def clean_code(self) -> str:
        """Counted as any other code."""
        if not attempts.may_try_code(self.user.pk, timezone.now()):
            raise account_adapter().validation_error("too_many_login_attempts")
        code: str = super().clean_code()
        if not spend_app_code(self.user, code):
            raise get_adapter().validation_error("incorrect_code")
        attempts.code_was_right(self.user.pk)
        return code


def _code_field(label: str) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=32, widget=forms.TextInput(attrs=ATTRS), error_messages={"required": "Type the code."}
    )
