"""Checks the audit trail against its seals."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import seals
from accounts.models import AuditEvent, AuditSeal


class Command(BaseCommand):
    """`manage.py audit_verify [--seal SEAL]`: names each row that is not as it was sealed; an error then."""

    help = (
        "Checks every sealed audit row. --seal takes one from an RTPs' daily mail and proves that nothing was cut off."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The seal that was kept elsewhere."""
        parser.add_argument("--seal", default="", help="a seal such as 4711:9f86…, from a mail")

    def handle(self, *args: Any, **options: Any) -> None:
        """One pass over all seals."""
        found = list(seals.flaws(options["seal"].strip()))
        for flaw in found:
            self.stdout.write(str(flaw))
        last = AuditSeal.objects.first()
        waiting = AuditEvent.objects.filter(pk__gt=last.last_id if last else 0).count()
        self.stdout.write(
            f"{AuditSeal.objects.count()} seals, {len(found)} flaws, {waiting} rows not sealed yet. "
            f"Newest seal: {seals.newest() or 'none'}"
        )
        if found:
            raise CommandError("The audit trail is not what was sealed.")
