"""Raises the limit of one pool, and ends that."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit, outbox
from accounts.errors import WithSentence
from accounts.models import Pool, User
from accounts.roles import Role
from quotas.errors import cores, gib
from quotas.locking import lock_pool
from quotas.models import Allowance


@dataclass(frozen=True)
class Numbers:
    """Limits wished for; None leaves a number as it is."""

    cores: int | None = None
    memory_mib: int | None = None
    disk_gib: int | None = None

    @property
    def is_nothing(self) -> bool:
        """No number is named."""
        return self.cores is None and self.memory_mib is None and self.disk_gib is None

    @property
    def words(self) -> str:
        """'12 cores, 16 GiB of memory'."""
        parts = []
        if self.cores is not None:
            parts.append(cores(self.cores))
        if self.memory_mib is not None:
            parts.append(f"{gib(self.memory_mib)} of memory")
        if self.disk_gib is not None:
            parts.append(f"{self.disk_gib} GiB of disk")
        return ", ".join(parts)


class ChangedMeanwhile(WithSentence):
    """Other allowances of the pool are in force than those its editor saw."""


def in_force(pool_id: int) -> QuerySet[Allowance]:
    """The pool's allowances that hold today, the newest first."""
    return Allowance.objects.filter(pool=pool_id).in_force(timezone.localdate())


def seen_of(pool_id: int) -> str:
    """Stands for the allowances in force: rows are never rewritten, so their keys say what somebody saw."""
    keys = ".".join(str(pk) for pk in in_force(pool_id).values_list("pk", flat=True))
    return hashlib.sha256(keys.encode()).hexdigest() if keys else "none"


def give(
    pool: Pool, numbers: Numbers, *, reason: str, until: date | None, by: User, address: str = "",
    seen: str | None = None, instead_of: int | None = None,
) -> Allowance:  # fmt: skip
    """A new allowance of the pool, with its audit row. What older ones say of other numbers keeps holding.

    `instead_of`: the key of one that it replaces. `seen`: what `seen_of` said when the editor looked; raises
    ChangedMeanwhile where it says something else now, and nothing was written then.
    """
    with transaction.atomic():
        lock_pool(pool.pk)
        if seen is not None and seen != seen_of(pool.pk):
            raise ChangedMeanwhile("Somebody changed the limit while you had it open. Nothing of yours was saved.")
        if instead_of is not None:
            replaced = Allowance.objects.filter(pk=instead_of, pool=pool, ended_at=None)
            replaced.update(ended_at=timezone.now(), ended_by=by)
        made = Allowance.objects.create(
            pool=pool, cores=numbers.cores, memory_mib=numbers.memory_mib, disk_gib=numbers.disk_gib,
            reason=reason[:300], until=until, made_by=by,
        )  # fmt: skip
        _record(made, "allowance.given", by, address)
    return made


def end(allowance: Allowance, *, by: User, address: str = "") -> bool:
    """Ends it now; False when it had ended already. It stays as history."""
    with transaction.atomic():
        rows = Allowance.objects.filter(pk=allowance.pk, ended_at=None)
        if rows.update(ended_at=timezone.now(), ended_by=by) != 1:
            return False
        _record(allowance, "allowance.ended", by, address)
    return True


def announce_ends(now: datetime) -> int:
    """Tells the people of a pool, ALLOWANCE_WARN_DAYS before, that an allowance ends. Each is told once."""
    today = timezone.localdate(now)
    last = today.toordinal() + settings.ALLOWANCE_WARN_DAYS
    ending = Allowance.objects.in_force(today).filter(until__lte=date.fromordinal(last), warned_at=None)
    return sum(_announce(allowance, now) for allowance in ending.select_related("pool", "pool__owner"))


def numbers_of(row: object) -> Numbers:
    """The numbers of an allowance or a request."""
    return Numbers(*(getattr(row, name) for name in ("cores", "memory_mib", "disk_gib")))


def people_of(pool: Pool) -> list[User]:
    """Whom the pool's limit concerns: its owner, or its managers."""
    if pool.owner is not None:
        return [pool.owner]
    return list(User.objects.filter(memberships__pool=pool, memberships__role=Role.MANAGER, is_active=True))


def _announce(allowance: Allowance, now: datetime) -> bool:
    with transaction.atomic():
        if Allowance.objects.filter(pk=allowance.pk, warned_at=None).update(warned_at=now) != 1:
            return False
        day = f"{allowance.until:%-d %B %Y}"
        words = numbers_of(allowance).words
        text = (
            f"The allowance of {allowance.pool} ({words}) ends after {day}. Nothing is stopped then; what is above the "
            f"limit keeps running, and new starts wait.\n\nAsk for more: {settings.SITE_URL}/quotas/ask/"
        )
        for person in people_of(allowance.pool):
            outbox.post(person, f"The allowance of {allowance.pool} ends after {day}", text)
    return True


def _record(allowance: Allowance, verb: str, by: User, address: str) -> None:
    audit.record(
        actor=by, verb=verb, pool=allowance.pool, target_kind="pool", target_id=allowance.pool_id,
        target_name=allowance.pool.name, address=address, numbers=numbers_of(allowance).words,
        until=str(allowance.until or ""), reason=allowance.reason,
    )  # fmt: skip
