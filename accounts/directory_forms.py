"""The form of an exception from the directory."""

from datetime import date

from django import forms
from django.utils import timezone

from accounts.admin_base import SeenForm
from accounts.models import DirectoryException, User
from accounts.roles import AccountKind


class ExceptionForm(SeenForm):
    """Who, why and until when."""

    class Meta:
        model = DirectoryException
        fields = ["user", "reason", "until"]

    def clean_user(self) -> User:
        """Only a house account: the directory decides over no other."""
        user: User = self.cleaned_data["user"]
        if user.kind != AccountKind.HOUSE:
            raise forms.ValidationError(f"{user} is a local account; the directory does not decide over it.")
        return user

    def clean_until(self) -> date:
        """Today or later."""
        until: date = self.cleaned_data["until"]
        if until < timezone.localdate():
            raise forms.ValidationError("This day is over. Take today or a later one.")
        return until
