"""Made-up readings of a house's directory, and passes over them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.utils import timezone

from accounts.identity import DirectoryReading, Identity, Problem
from accounts.models import DirectoryRun
from accounts.sync import run_pass

NAMES = UUID("5c3f0a44-70a6-4be8-9b0c-1f6cbb7be2b4")


def uuid_of(key: str) -> UUID:
    """The same UUID for the same word, in every run."""
    return uuid5(NAMES, key)


def member(uid: str, *groups: str, key: str = "", full_name: str = "", email: str | None = None) -> Identity:
    """A member; `key` decides the UUID where it is not the uid's."""
    name = full_name or uid.title()
    address = f"{uid}@example.org" if email is None else email
    return Identity(uuid_of(key or uid), uid, name, address, frozenset(groups))


def house_of(count: int) -> list[Identity]:
    """So many active members, m0 … ; beside them rosa, who is an RTP."""
    return [member("rosa", "active", "rtp"), *(member(f"m{n}", "active") for n in range(count))]


def reading(
    members: Iterable[Identity], *, problems: tuple[Problem, ...] = (), empty: tuple[str, ...] = ()
) -> DirectoryReading:
    """What the directory would answer; `empty`: groups that exist without a member."""
    members = tuple(members)
    groups = defaultdict[str, set[str]](set)
    for who in members:
        for name in who.groups:
            groups[name].add(who.uid)
    lists = {name: frozenset(uids) for name, uids in groups.items()} | dict.fromkeys(empty, frozenset[str]())
    return DirectoryReading(members, lists, problems)


def sync(
    members: Iterable[Identity], *, problems: tuple[Problem, ...] = (), empty: tuple[str, ...] = (),
    now: datetime | None = None, dry_run: bool = False,
) -> DirectoryRun:  # fmt: skip
    """One pass over a directory that answers this."""
    answer = reading(members, problems=problems, empty=empty)
    return run_pass(lambda: answer, now=now or timezone.now(), dry_run=dry_run)


def later(minutes: int = 10) -> datetime:
    """A moment after every pass so far."""
    return timezone.now() + timedelta(minutes=minutes)
