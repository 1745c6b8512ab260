"""Why an RTP ends consoles."""

from django import forms

from consoles.models import ConsoleVisit

LONGEST_REASON = ConsoleVisit._meta.get_field("end_reason").max_length or 200


class EndForm(forms.Form):
    """A reason that whoever is in the console reads."""

    reason = forms.CharField(
        max_length=LONGEST_REASON,
        label="Reason",
        help_text="Who is in it reads this, with your name.",
        error_messages={
            "required": "Say why: whoever is in it reads the reason.",
            "max_length": f"Use {LONGEST_REASON} characters or fewer.",
        },
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
