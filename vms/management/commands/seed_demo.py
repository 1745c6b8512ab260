"""Makes the demo's people and pools, and reads the cluster once, so that the first page is full."""

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import audit
from accounts.models import Pool, PoolMembership, User
from accounts.roles import AccountKind, PoolKind, Role
from vms.cluster import cluster
from vms.mirror.catalog import sync_catalog
from vms.mirror.sync import sync

PEOPLE = ("alice", "bob", "carol", "rita")
EMERGENCY = "breakglass"
SHARED = "ctf"
BOUND_BY = "make demo"


class Command(BaseCommand):
    """`manage.py seed_demo --sign-ins FILE`: alice owns, bob is a stranger, carol shares a pool, rita is RTP.

    With `--house` they are the directory's, which `sync_directory` has read before, and only an account for emergencies
    is local. Safe to run at each start: who exists stays as they are, but for the password, which is the file's.
    """

    help = "Makes the people and pools of the demo; refuses anywhere else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file with the passwords: they are in no command line and no variable."""
        parser.add_argument("--sign-ins", type=Path, required=True, help="JSON file: name to password")
        parser.add_argument("--house", action="store_true", help="the people are the directory's")

    def handle(self, *args: Any, **options: Any) -> None:
        """People and pools in one transaction, then one reading of the cluster."""
        if not settings.DEMO:
            raise CommandError("This makes accounts for a demo. It runs only under `make demo`.")
        names = (EMERGENCY,) if options["house"] else PEOPLE
        passwords = read_sign_ins(options["sign_ins"], names)
        with transaction.atomic():
            for name in names:
                person(name, passwords[name])
            alice, carol = (known(name) for name in ("alice", "carol"))
            bound_pool(PoolKind.PERSONAL, alice.username, owner=alice)
            shared = bound_pool(PoolKind.SHARED, SHARED)
            for user, role in ((alice, Role.MANAGER), (carol, Role.OPERATOR)):
                PoolMembership.objects.get_or_create(pool=shared, user=user, defaults={"role": role})
        if settings.PROXMOX_HOSTS:
            sync(cluster())
            sync_catalog(cluster())
        self.stdout.write("The demo's people and pools are there.")


def read_sign_ins(file: Path, names: Sequence[str]) -> dict[str, str]:
    """The passwords; refuses a file that lacks somebody's."""
    try:
        found = dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read as sign-ins: a JSON object of names and passwords.") from error
    missing = [name for name in names if not found.get(name)]
    if missing:
        raise CommandError(f"{file} holds no password for {', '.join(missing)}.")
    return found


def person(name: str, password: str) -> User:
    """The local account of this name, with this password."""
    is_rtp = name in {"rita", EMERGENCY}
    user = User.objects.filter(username=name).first()
    if user is None:
        user = User(username=name, email=f"{name}@example.org", kind=AccountKind.LOCAL)
        user.is_break_glass = name == EMERGENCY
        user.is_rtp = user.is_staff = is_rtp
    if not user.check_password(password):
        user.set_password(password)
    user.save()
    return user


def known(name: str) -> User:
    """Somebody who is there already."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"Nobody is called {name}: the directory is read by manage.py sync_directory before this.")
    return user


def bound_pool(kind: PoolKind, name: str, *, owner: User | None = None) -> Pool:
    """The pool, bound to the stand-in's pool of that name: in the demo we are the RTP who says so."""
    pool, made = Pool.objects.get_or_create(name=name, defaults={"kind": kind, "owner": owner, "proxmox_poolid": name})
    if made:
        audit.record(
            actor=None, by_name=BOUND_BY, verb="pool.bound", pool=pool, target_kind="pool", target_id=pool.pk,
            target_name=name, poolid=name,
        )  # fmt: skip
    return pool
