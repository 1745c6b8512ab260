"""The form that shares a console. It reads, it never acts; the server is the only judge."""

from typing import Any

from django import forms
from django.conf import settings

from consoles import shares

PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class ShareForm(forms.Form):
    """Who may do what, and for how long."""

    guest = forms.CharField(
        label="Username of your guest",
        help_text="Leave it empty, and the link is for the first person who opens it.",
        required=False,
        max_length=150,
        error_messages={"max_length": "No username here is so long."},
        widget=forms.TextInput(attrs=PLAIN),
    )
    may = forms.ChoiceField(
        label="Your guest may",
        choices=[("look", "look at the screen"), ("control", "use it: keys, pointer, clipboard")],
        error_messages={
            "required": "Choose what your guest may do.",
            "invalid_choice": "Choose what your guest may do: look, or use it.",
        },
    )
    minutes = forms.IntegerField(label="For how many minutes", widget=forms.NumberInput(attrs={"inputmode": "numeric"}))
    key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput, error_messages={"required": "Send it again."})

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        self.auto_id = "share_%s"  # its page is shown inside the console's, too
        most, field = shares.most_minutes(), self.fields["minutes"]
        field.help_text = f"1 to {most}. Then your guest’s console closes by itself."
        field.initial = min(most, max(1, int(settings.CONSOLE_SHARE_S // 60)))
        wrong = f"Write a number of minutes from 1 to {most}."
        field.error_messages |= {"required": wrong, "invalid": wrong}
