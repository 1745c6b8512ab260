"""One pass of the mirror by hand."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import audit
from vms.cluster import cluster
from vms.cluster.errors import ClusterError
from vms.mirror.alarm import release_removal
from vms.mirror.catalog import sync_catalog
from vms.mirror.facts import Difference, Reading
from vms.mirror.sync import look, sync
from vms.models import Node


class Command(BaseCommand):
    """`manage.py sync_cluster [--dry-run] [--catalog] [--release] [--forget-node NAME]`."""

    help = "Reads the cluster once and writes what it found; --dry-run only prints it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do besides."""
        parser.add_argument("--dry-run", action="store_true", help="print the changes, write nothing")
        parser.add_argument("--catalog", action="store_true", help="read storages, templates and ISOs too")
        parser.add_argument(
            "--release",
            action="store_true",
            help="what vanished is really gone: count absences for a quarter of an hour",
        )

        forget = "a node that was taken out of the cluster for good; until then it counts as silent"
        parser.add_argument("--forget-node", metavar="NAME", help=forget)

    def handle(self, *args: Any, **options: Any) -> None:
        """One cycle, or a look without writing."""
        if options["forget_node"]:
            self._forget(options["forget_node"])
            return
        try:
            gateway = cluster()
            if options["dry_run"]:
                self._print(*look(gateway))
                return
            if options["release"]:
                release_removal(None, by_name=_who())
                self.stdout.write("Absences count again for a quarter of an hour.")
            run = sync(gateway)
            if run is None:
                raise CommandError("Another reading is at work. Try again in a moment.")
            if options["catalog"]:
                sync_catalog(gateway)
        except ClusterError as error:
            raise CommandError(f"Nothing was read. {error.sentence}") from error
        self.stdout.write(f"{run.seen} machines seen, {run.changed} changes written, {run.requests} requests.")
        if run.note:
            self.stdout.write(run.note)

    def _forget(self, name: str) -> None:
        with transaction.atomic():
            removed, _rows = Node.objects.filter(name=name, is_online=False).delete()
            if not removed:
                raise CommandError(f"{name} is not a node that is silent. Nothing was done.")
            audit.record(actor=None, by_name=_who(), verb="node.forgotten", target_kind="node", target_name=name)
        self.stdout.write(f"{name} is forgotten.")

    def _print(self, reading: Reading, found: Difference) -> None:
        for change in found.changes:
            self.stdout.write(str(change))
        state = "complete" if reading.is_complete else "incomplete"
        counts = f"{len(found.changes)} changes, {len(found.seen)} machines seen, {reading.requests} requests"
        self.stdout.write(f"{counts}; the reading is {state}. Nothing was written.")
        if reading.note:
            self.stdout.write(reading.note)
        if found.frozen:
            self.stdout.write(f"{found.vanished} machines vanished at once: none would be marked as missing.")


def _who() -> str:
    return f"administrator ({os.environ.get('SUDO_USER') or 'command line'})"
