"""Makes the first RTP outside the demo."""

import getpass
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.roles import AccountKind


class Command(BaseCommand):
    """`manage.py create_rtp NAME`: asks for a password, or reads its first line from standard input."""

    help = "Makes a local account with RTP power. The password is asked for, or read from standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One positional name and an optional mail address."""
        parser.add_argument("name")
        parser.add_argument("--email", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Makes the person; refuses a taken name and a weak password with a sentence."""
        name: str = options["name"]
        if User.objects.filter(username__iexact=name).exists():
            raise CommandError(f"{name} is in use. Choose another name.")
        password = self._password()
        person = User(username=name, email=options["email"], kind=AccountKind.LOCAL, is_rtp=True, is_staff=True)
        try:
            person.clean_fields(exclude=["password"])
            validate_password(password, person)
        except ValidationError as error:
            raise CommandError("Nothing was made. " + " ".join(error.messages)) from error
        with transaction.atomic():
            person.set_password(password)
            person.save()
            audit.record(
                actor=None,
                verb="rtp.made",
                target_kind="user",
                target_id=person.pk,
                target_name=name,
                by_name=_who(),
            )
        self.stdout.write(f"{name} is an RTP now and can sign in. The first sign-in leads to a second factor.")

    def _password(self) -> str:
        if sys.stdin.isatty():
            return getpass.getpass("Password (at least 12 characters): ")
        return sys.stdin.readline().rstrip("\n")


def _who() -> str:
    return f"administrator ({os.environ.get('SUDO_USER') or os.environ.get('USER') or 'command line'})"
