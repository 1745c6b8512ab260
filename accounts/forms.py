"""Forms about the person."""

from django import forms
from django.http import QueryDict

from accounts.keys import LooksPrivate, NotAPublicKey, PublicKey, parse_public_key


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
    """Saves a public key."""

    public_key = PublicKeyField(
        label="Public key",
        help_text="The line in the file that ends in .pub, such as ~/.ssh/id_ed25519.pub.",
        error_messages={"required": "Paste a public key."},
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
    )
