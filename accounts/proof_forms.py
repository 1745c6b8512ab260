"""What a local RTP types to prove who they are."""

from typing import Any

from django import forms
from django.contrib.auth.hashers import check_password

from accounts.factors import check_code
from accounts.models import User

WRONG = "Password or code is wrong, or the code was used already. Wait for the next one."
ONLY_WRONG = "That is not your password."


class ProofForm(forms.Form):
    """Password and, where there is one, the second factor, in one form: a wrong answer does not say which was wrong.

    The code is looked at only after the right password, so that a wrong password never uses it up.
    """

    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=1_000,
        error_messages={"required": "Type your password."},
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    code = forms.CharField(
        label="Code",
        max_length=32,
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
        error_messages={"required": "Type the code your app shows."},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, user: User, with_code: bool, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.user, self.with_code = user, with_code
        if not with_code:
            del self.fields["code"]

    def clean(self) -> dict[str, Any]:
        """Adds one error where the proof fails."""
        given = super().clean() or {}
        if not self.errors and not self._holds(given):
            raise forms.ValidationError(WRONG if self.with_code else ONLY_WRONG)
        return given

    def _holds(self, given: dict[str, Any]) -> bool:
        if not check_password(given["password"], self.user.password):
            return False
        return not self.with_code or check_code(self.user, given["code"])
