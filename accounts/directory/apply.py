"""Writes what a plan says of people: only what differs, in the caller's transaction."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from accounts import audit
from accounts.directory.departing import come_back, depart
from accounts.directory.facts import Change, Joining, Known, Plan
from accounts.directory.insert import insert_alike
from accounts.directory.memberships import write_groups, write_memberships
from accounts.models import User
from accounts.roles import AccountKind
from accounts.standing import end_sessions

BATCH = 500


def write(plan: Plan, now: datetime) -> None:
    """People, the groups they are in, and what those are told who leave or come back. Audited by person.

    Who joined is in one audit row: the first pass of a house is thousands.
    """
    _unlink(plan.changes)
    _change(plan.changes)
    people = _join(plan.joins, now)
    groups = write_groups(plan.groups, now)
    write_memberships(plan, people, groups)
    for change in plan.departing:
        depart(change.now.pk, now)
    for change in plan.returning:
        come_back(change.now.pk)
    _audit(plan, people)


def _unlink(changes: Iterable[Change]) -> None:
    """Whose uid changed is not found by the old one any more, neither here nor at the provider.

    The subject of some providers is the uid, so an old link would let the uid's new owner in as the old one.
    """
    for change in changes:
        if change.was.uid == change.now.uid:
            continue
        linked = User.objects.filter(pk=change.was.pk).exclude(oidc_sub="")
        if change.now.uid:
            linked = linked.filter(oidc_sub__iexact=change.was.uid)
        for user in linked:
            User.objects.filter(pk=user.pk).update(oidc_iss="", oidc_sub="")
            end_sessions(user)


def _change(changes: Sequence[Change]) -> None:
    """A username is unique at every moment, so those that change hands go through a name nobody has."""
    renamed = [User(pk=change.was.pk, username=f"~{change.was.uuid.hex}") for change in changes if change.is_renamed]
    User.objects.bulk_update(renamed, ["username"], batch_size=BATCH)
    differing = [change.now for change in changes if _columns(change.was) != _columns(change.now)]
    names = list(_columns(differing[0])) if differing else ["username"]
    User.objects.bulk_update([User(pk=now.pk, **_columns(now)) for now in differing], names, batch_size=BATCH)


def _columns(known: Known) -> dict[str, str | bool]:
    return {
        "username": known.username,
        "ldap_uid": known.uid,
        "first_name": known.full_name,
        "email": known.email,
        "is_rtp": known.is_rtp,
    }


def _join(joins: Sequence[Joining], now: datetime) -> list[int]:
    """The ids of the new people, in the order of `joins`."""
    rows = [
        {
            "username": _username(join), "ldap_uuid": join.identity.uuid, "ldap_uid": join.identity.uid,
            "first_name": join.identity.full_name, "email": join.identity.email, "is_rtp": join.is_rtp,
            "password": UNUSABLE_PASSWORD_PREFIX + secrets.token_urlsafe(30),
        }
        for join in joins
    ]  # fmt: skip
    insert_alike(User(kind=AccountKind.HOUSE, date_joined=now), rows)
    ids = dict(User.objects.filter(kind=AccountKind.HOUSE).values_list("ldap_uuid", "pk")) if joins else {}
    return [ids[join.identity.uuid] for join in joins]


def _username(join: Joining) -> str:
    return join.identity.uid.lower()


def _audit(plan: Plan, people: Sequence[int]) -> None:
    if people:
        names = [_username(join) for join in plan.joins]
        audit.record(
            actor=None,
            verb="directory.joined",
            target_kind="directory",
            target_name=f"{len(names)} people",
            names=names,
        )
    for pk, join in zip(people, plan.joins, strict=True):
        if join.is_rtp:
            _record("rtp.gained", pk, _username(join))
    for change in plan.changes:
        was, now = change.was, change.now
        if change.is_renamed:
            _record("person.renamed", now.pk, now.username, before=was.username)
        if was.is_rtp != now.is_rtp:
            _record("rtp.gained" if now.is_rtp else "rtp.lost", now.pk, now.username)


def _record(verb: str, pk: int, name: str, **detail: Any) -> None:
    audit.record(actor=None, verb=verb, target_kind="user", target_id=pk, target_name=name, **detail)
