"""Writes the groups that hold somebody we know, and who is in them. Any group may carry a quota policy."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from accounts.directory.facts import Plan
from accounts.directory.insert import insert_alike
from accounts.models import DirectoryGroup, DirectoryMembership

BATCH = 500


def write_groups(wanted: Mapping[str, int], now: datetime) -> dict[str, int]:
    """`wanted`: name → how many the directory lists. Name → id; a group that holds nobody we know is forgotten."""
    known = {group.name: group for group in DirectoryGroup.objects.all()}
    gone = [group.pk for name, group in known.items() if name not in wanted]
    if gone:
        DirectoryGroup.objects.filter(pk__in=gone).delete()
    resized = [group for name, group in known.items() if wanted.get(name, group.members_seen) != group.members_seen]
    for group in resized:
        group.members_seen = wanted[group.name]
    DirectoryGroup.objects.bulk_update(resized, ["members_seen"], batch_size=BATCH)
    new = [name for name in wanted if name not in known]
    DirectoryGroup.objects.bulk_create(
        [DirectoryGroup(name=name, members_seen=wanted[name], seen_at=now) for name in new], batch_size=BATCH
    )
    DirectoryGroup.objects.update(seen_at=now)
    return dict(DirectoryGroup.objects.values_list("name", "pk"))


def write_memberships(plan: Plan, people: Sequence[int], groups: Mapping[str, int]) -> None:
    """`people`: the ids of `plan.joins`, in its order. A sign-in may have written the same membership meanwhile."""
    new = [
        {"user_id": pk, "group_id": groups[name]}
        for pk, join in zip(people, plan.joins, strict=True)
        for name in join.identity.groups
    ]
    for change in plan.changes:
        lost = [groups[name] for name in change.was.groups - change.now.groups if name in groups]
        if lost:
            DirectoryMembership.objects.filter(user_id=change.now.pk, group_id__in=lost).delete()
        gained = change.now.groups - change.was.groups
        new += [{"user_id": change.now.pk, "group_id": groups[name]} for name in gained]
    insert_alike(DirectoryMembership(), new, ignore_conflicts=True)
