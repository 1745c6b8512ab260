"""Forms around local passwords."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User

DOES_NOT_FIT = "This code does not fit here, or it is used up or too old. Check it, or ask for a new one."


class AskForResetForm(forms.Form):
    """Whose password it is about. The answer is the same for everybody."""

    name = forms.CharField(
        label="User name", max_length=150, error_messages={"required": "Type your user name."},
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "off", "spellcheck": "false"}),
    )  # fmt: skip


class NewPasswordForm(forms.Form):
    """A code that came by another way, and the new password twice."""

    code = forms.CharField(
        label="Code", max_length=40, help_text="Twelve letters and digits; case and dashes do not matter.",
        error_messages={"required": "Type the code."},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "characters",
                                      "spellcheck": "false"}),
    )  # fmt: skip
    password1 = forms.CharField(
        label="New password", strip=False, help_text="At least 12 characters.",
        error_messages={"required": "Choose a password."},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip
    password2 = forms.CharField(
        label="New password, again", strip=False, error_messages={"required": "Type the password once more."},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Both alike and not too weak, before the code is looked at: a slip does not cost one of its tries."""
        cleaned = super().clean() or {}
        first, second = cleaned.get("password1"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", "The two passwords differ.")
        elif first and second:
            self.judge(first, None)
        return cleaned

    def judge(self, password: str, user: User | None) -> bool:
        """True for a password that is strong enough; otherwise the sentences stand at the field."""
        try:
            validate_password(password, user)
        except ValidationError as error:
            self.add_error("password1", error)
            return False
        return True
