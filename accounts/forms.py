"""Forms about the person."""

from typing import Any

from django import forms
from django.http import QueryDict

from accounts import preferences
from accounts.keys import LARGEST_FILE, LooksPrivate, NotAPublicKey, PublicKey, parse_key_file, parse_public_key
from accounts.models import User


class PublicKeyField(forms.CharField):
    """Text that is one public key; cleans to a PublicKey, or None where it may be empty."""

    widget = forms.Textarea

    def clean(self, value: object) -> PublicKey | None:
        """Raises a ValidationError whose code says whether the text looked private."""
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_public_key(text)
        except LooksPrivate as error:
            raise forms.ValidationError(str(error), code="private") from error
        except NotAPublicKey as error:
            raise forms.ValidationError(str(error), code="not_a_key") from error


class ForgetsPrivateKeys(forms.Form):
    """Never shows a private key again: a refused one is dropped from the form before it is printed."""

    key_field = "public_key"

    def full_clean(self) -> None:
        """Validates; then forgets what looked private."""
        super().full_clean()
        if isinstance(self.data, QueryDict) and self.has_error(self.key_field, code="private"):
            kept = self.data.copy()
            kept[self.add_prefix(self.key_field)] = ""
            self.data = kept


class AddKeyForm(ForgetsPrivateKeys):
    """Saves a public key, pasted or sent as a file; cleans to `key`."""

    public_key = PublicKeyField(
        label="Public key",
        help_text="The line in the file that ends in .pub, such as ~/.ssh/id_ed25519.pub.",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
    )
    key_file = forms.FileField(
        label="Or the file itself",
        help_text="It ends in .pub. A private key is refused and not kept.",
        required=False,
        allow_empty_file=True,
    )

    def clean_key_file(self) -> PublicKey | None:
        """The key in the file; None without one. What was sent is never shown again: browsers keep no chosen file."""
        sent = self.cleaned_data["key_file"]
        if not sent:
            return None
        try:
            return parse_key_file(sent.read(LARGEST_FILE + 1))
        except NotAPublicKey as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        """One of both, as `key`."""
        given = [key for name in ("public_key", "key_file") if (key := self.cleaned_data.get(name)) is not None]
        if not given and not self.errors:
            self.add_error("public_key", "Paste a public key, or choose its file.")
        if len(given) > 1:
            self.add_error("key_file", "One key is pasted, one is in the file. Save them one after the other.")
        return {**self.cleaned_data, "key": given[0] if len(given) == 1 else None}


class PreferencesForm(forms.Form):
    """What a person chooses for themselves. The button in the page's head sends the theme alone."""

    theme = forms.ChoiceField(
        label="Colours",
        choices=[
            (preferences.SYSTEM, "As this device has it"),
            (preferences.LIGHT, "Light"),
            (preferences.DARK, "Dark"),
        ],
        error_messages={
            "required": "Choose the colours.",
            "invalid_choice": "Choose the colours: as the device has it, light or dark.",
        },
    )
    sign_in_mail = forms.BooleanField(
        label="Mail me when somebody signs in to my account",
        help_text="One mail for each sign-in, with its time and address.",
        required=False,
    )

    @classmethod
    def of(cls, user: User) -> "PreferencesForm":
        """What the person has chosen so far, to be shown."""
        known = {
            preferences.THEME: preferences.theme_of(user) or preferences.SYSTEM,
            preferences.SIGN_IN_MAIL: preferences.wants_sign_in_mail(user),
        }
        return cls(initial=known)

    @property
    def is_partial(self) -> bool:
        """True where only the theme was sent."""
        return self.data.get("only") == "theme"

    def chosen(self) -> dict[str, object]:
        """What to keep of a valid form."""
        names = [preferences.THEME] if self.is_partial else list(self.fields)
        return {name: self.cleaned_data[name] for name in names}
