"""Counts the use of every pool afresh from Proxmox and prints where the rows count otherwise."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vms.cluster import cluster
from vms.cluster.errors import ClusterError
from vms.mirror.recount import recount


class Command(BaseCommand):
    """`manage.py quota_audit`: ends with an error when there is a difference."""

    help = "Counts every pool's use afresh from Proxmox and compares it with what the portal counts. 0 is expected."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints each difference and what could not be read."""
        try:
            found = recount(cluster())
        except ClusterError as error:
            raise CommandError(f"The cluster could not be read. {error.sentence}") from error
        for each in found.disagreements:
            self.stdout.write(str(each))
        if found.unread:
            names = ", ".join(found.unread)
            self.stdout.write(f"Not answered or under way, so not compared with their pools: {names}.")
        if found.idle:
            self.stdout.write(f"{found.idle} reservations hold room for no operation; they are released when overdue.")
        self.stdout.write(f"{found.pools} pools, {found.machines} machines, {len(found.disagreements)} differences.")
        if found.disagreements:
            raise CommandError("The rows and Proxmox differ. Something may just have changed; ask again in a minute.")
