"""Takes members' links to the provider away, so that their next sign-in links them anew by the uid claim."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.sign_in import unlink


class Command(BaseCommand):
    """manage.py unlink_member alice bob, or --other-issuers after OIDC_ISSUER was changed."""

    help = "Lets members be linked anew to the provider at their next sign-in. What is theirs stays theirs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Names, or everybody of an issuer that is not the configured one."""
        parser.add_argument("names", nargs="*", help="Usernames of house accounts.")
        parser.add_argument(
            "--other-issuers", action="store_true", help="Everybody whose link is to another issuer than OIDC_ISSUER."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints whom it unlinked."""
        linked = User.objects.exclude(oidc_sub="")
        if options["other_issuers"]:
            people = list(linked.exclude(oidc_iss=settings.OIDC_ISSUER))
        else:
            people = list(linked.filter(username__in=options["names"]))
            found = {person.username for person in people}
            missing = sorted(set(options["names"]) - found) or ([] if options["names"] else ["no name given"])
            if missing:
                raise CommandError(f"Nobody is linked under: {', '.join(missing)}.")
        for person in people:
            unlink(person)
            self.stdout.write(f"{person.username}: unlinked")
