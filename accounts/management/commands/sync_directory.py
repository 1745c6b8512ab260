"""One pass over the house's directory by hand."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.directory.lock import PassUnderWay
from accounts.directory.words import told
from accounts.models import DirectoryRun
from accounts.roles import RunOutcome
from accounts.sync import run_pass


class Command(BaseCommand):
    """`manage.py sync_directory [--dry-run]`: prints the plan; ends with an error when nobody could be changed."""

    help = "Reads the house's directory once and applies what differs; --dry-run only prints it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to write."""
        parser.add_argument("--dry-run", action="store_true", help="print the plan, write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """One pass, or a look."""
        if not settings.LDAP_URL:
            raise CommandError("No directory is configured: LDAP_URL is empty. Nothing was done.")
        is_dry: bool = options["dry_run"]
        try:
            run = run_pass(now=timezone.now(), dry_run=is_dry)
        except PassUnderWay as error:
            raise CommandError("Another pass over the directory is at work. Try again in a moment.") from error
        self._print(run, is_dry)
        if run.outcome != RunOutcome.APPLIED:
            raise CommandError(f"Nobody was changed. {run.note}")

    def _print(self, run: DirectoryRun, is_dry: bool) -> None:
        for line in told(run):
            self.stdout.write(line)
        if run.outcome != RunOutcome.FAILED:
            self.stdout.write(f"{run.members_read} members and {run.groups_read} groups read.")
        if is_dry:
            self.stdout.write("Nothing was written.")
