"""What the portal knows of the house, read in few queries."""

from collections import defaultdict
from datetime import datetime

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts.directory.facts import House, Known, Rules
from accounts.models import DirectoryException, DirectoryGroup, DirectoryMembership, User
from accounts.roles import AccountKind

#: House accounts that came from the directory: the only ones a pass may touch.
MEMBERS = Q(kind=AccountKind.HOUSE, ldap_uuid__isnull=False)


def house_at(now: datetime) -> House:
    """Everybody who has an entry, who is excepted on this day, whose names are taken, and the groups."""
    groups = _groups_by_person()
    columns = ("pk", "ldap_uuid", "username", "ldap_uid", "first_name", "email", "is_rtp", "is_active", "departed_at")
    rows = User.objects.filter(MEMBERS).values_list(*columns).iterator(chunk_size=2_000)
    nothing = frozenset[str]()
    known = {
        uuid: Known(
            pk=pk, uuid=uuid, username=username, uid=uid, full_name=name, email=email, is_rtp=is_rtp,
            is_active=is_active, is_departed=departed_at is not None, groups=groups.get(pk, nothing),
        )
        for pk, uuid, username, uid, name, email, is_rtp, is_active, departed_at in rows
        if uuid is not None
    }  # fmt: skip
    excepted = DirectoryException.objects.filter(until__gte=timezone.localdate(now), user__ldap_uuid__isnull=False)
    others = User.objects.exclude(MEMBERS).values_list("username", flat=True)
    return House(
        known=known,
        excepted=frozenset(uuid for uuid in excepted.values_list("user__ldap_uuid", flat=True) if uuid),
        others=frozenset(name.lower() for name in others),
        groups=dict(DirectoryGroup.objects.values_list("name", "members_seen")),
    )


def rules() -> Rules:
    """The settings' rules; nobody's departure is released."""
    return Rules(
        active_groups=tuple(settings.DIRECTORY_ACTIVE_GROUPS),
        rtp_group=settings.DIRECTORY_RTP_GROUP,
        guard_least=settings.DIRECTORY_GUARD_LEAST,
        guard_percent=settings.DIRECTORY_GUARD_PERCENT,
    )


def _groups_by_person() -> dict[int, frozenset[str]]:
    """User id → names. People of the same groups share one set, because there are few combinations of groups."""
    names = dict(DirectoryGroup.objects.values_list("pk", "name"))
    found = defaultdict[int, list[str]](list)
    for user_id, group_id in DirectoryMembership.objects.order_by().values_list("user_id", "group_id").iterator():
        found[user_id].append(names[group_id])
    return {user_id: frozenset(groups) for user_id, groups in found.items()}
