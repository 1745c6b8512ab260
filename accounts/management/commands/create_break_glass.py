"""Makes a break-glass account, or lets the person of one in again."""

import os
from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit, links, local
from accounts.models import OneTimeLink, User
from accounts.roles import AccountKind

HOW = """Open this once, within {hours} hours:

    {url}

Type this code there, and choose a password:

    {code}

Give link and code to the person by two different ways, or use them yourself now."""


class Command(BaseCommand):
    """`manage.py create_break_glass NAME`: an RTP's local account for emergencies, with a one-time link."""

    help = "Makes a break-glass account, or renews the link of one, and prints a one-time link and its code."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One positional name, a mail address, and what to do when the second factor is lost."""
        parser.add_argument("name")
        parser.add_argument("--email", default="")
        parser.add_argument("--forget-factor", action="store_true", help="also removes app, passkeys, recovery codes")

    def handle(self, *args: Any, **options: Any) -> None:
        """Makes or finds the account; refuses the name of anybody else with a sentence."""
        with transaction.atomic():
            user = self._account(options["name"], options["email"])
            if options["forget_factor"]:
                Authenticator.objects.filter(user=user).delete()
            code = links.new_code()
            link = self._link(user, code)
            local.forget_tries(user)
        self._print(link, code)

    def _account(self, name: str, email: str) -> User:
        known = User.objects.filter(username__iexact=name).first()
        if known is None:
            return self._new(name, email)
        if not (known.is_break_glass and local.is_local(known)):
            raise CommandError(f"{name} is somebody else's account. Choose another name.")
        if not local.may_have_password(known):
            raise CommandError(f"{name} is locked or not active. An RTP undoes that on the page of the person.")
        return known

    def _new(self, name: str, email: str) -> User:
        user = User(username=name, email=email, kind=AccountKind.LOCAL, is_rtp=True, is_staff=True, is_break_glass=True)
        user.set_unusable_password()
        try:
            user.clean_fields()
        except ValidationError as error:
            raise CommandError("Nothing was made. " + " ".join(error.messages)) from error
        user.save()
        return user

    def _link(self, user: User, code: str) -> OneTimeLink:
        now, who = timezone.now(), _who()
        audit.record(actor=None, by_name=who, verb="break_glass.link", target_kind="user", target_id=user.pk,
                     target_name=user.username)  # fmt: skip
        return links.make_link(
            links.BREAK_GLASS, user, code=code, for_s=settings.BREAK_GLASS_S, now=now, made_by_name=who
        )

    def _print(self, link: OneTimeLink, code: str) -> None:
        url = settings.SITE_URL + reverse("account_break_glass", args=[link.ref])
        self.stdout.write(HOW.format(hours=round(settings.BREAK_GLASS_S / 3600), url=url, code=code))


def _who() -> str:
    return f"administrator ({os.environ.get('SUDO_USER') or os.environ.get('USER') or 'command line'})"
