"""Binds existing pools of the cluster to pools of the portal."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from vms.cluster import cluster
from vms.cluster.errors import ClusterError
from vms.mirror.binding import BindingRefused, bind, check, unbound


class Command(BaseCommand):
    """`manage.py bind_pools [--bind POOLID=NAME]... [--write]`: without --write it only says what it would do."""

    help = "Lists pools of the cluster that no row binds; --bind POOLID=NAME --write binds one to the pool NAME."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Pairs, and whether to write."""
        parser.add_argument("--bind", action="append", default=[], metavar="POOLID=NAME")
        parser.add_argument("--write", action="store_true", help="really bind; without it this is a dry run")

    def handle(self, *args: Any, **options: Any) -> None:
        """Lists, or binds all pairs of which each can be bound."""
        try:
            found = {pool.poolid: pool for pool in unbound(cluster().read())}
        except ClusterError as error:
            raise CommandError(f"The cluster's pools could not be read. {error.sentence}") from error
        if not options["bind"]:
            for pool in found.values():
                self.stdout.write(f"{pool.poolid}: {pool.machines} machines")
            self.stdout.write(f"{len(found)} pools of the cluster are bound to none of the portal's.")
            return
        pairs = [_pair(text) for text in options["bind"]]
        try:
            plans = [(poolid, name, check(poolid, name)) for poolid, name in pairs]
        except BindingRefused as error:
            raise CommandError(f"{error} Nothing was bound.") from error
        for poolid, _name in pairs:
            if poolid not in found:
                raise CommandError(f"The cluster shows no pool {poolid} that is not bound. Nothing was bound.")
        for poolid, name, holder in plans:
            kind = "the pool" if holder else "a new shared pool"
            if options["write"]:
                bind(poolid, name, by=None, by_name=f"administrator ({os.environ.get('SUDO_USER') or 'command line'})")
            verb = "is bound" if options["write"] else "would be bound"
            self.stdout.write(f"{poolid} ({found[poolid].machines} machines) {verb} to {kind} {name}.")
        if not options["write"]:
            self.stdout.write("Nothing was written. Say --write to bind.")


def _pair(text: str) -> tuple[str, str]:
    poolid, _, name = text.partition("=")
    return poolid, name or poolid
