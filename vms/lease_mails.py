"""Warnings: one mail a member and day, listing all of their machines. A stage is recorded with its mail, once."""

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import outbox
from accounts.models import OutgoingMail, User
from vms import lease, renewal_links
from vms.lease_guards import recipients
from vms.leasing import dated
from vms.models import LeaseNotice, VirtualMachine
from vms.operations.database import decide
from vms.operations.errors import Busy

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Warned:
    """One machine in a mail: its stage, and what happens to it when."""

    vm: VirtualMachine
    stage: str
    left: int
    ends_at: datetime

    @property
    def words(self) -> str:
        """'expires in 3 days'."""
        return lease.told_in_words(self.left)

    @property
    def what_next(self) -> str:
        """What happens, and on which day."""
        end = timezone.localtime(self.ends_at)
        trash = end + timedelta(days=lease.TRASH_AFTER_DAYS)
        goes = f"on {trash:%-d %B, %H:%M} it goes into the trash"
        return f"{goes}." if self.left <= 0 else f"On {end:%-d %B, %H:%M} it is shut down; {goes}."


def warn(now: datetime) -> int:
    """Writes what is due today; how many mails. Each person apart: one that cannot be written blocks nobody else."""
    by_person: dict[User, list[Warned]] = defaultdict(list)
    for vm in dated().filter(lease_until__lt=now + timedelta(days=max(lease.WARNED) + 1)):
        for user in recipients(vm):
            by_person[user].append(_warned(vm, now))
    return sum(_write(user, found, now) for user, found in by_person.items())


def _warned(vm: VirtualMachine, now: datetime) -> Warned:
    assert vm.lease_until is not None  # noqa: S101 (filtered by it)
    left = lease.days_left(timezone.localtime(vm.lease_until), timezone.localtime(now).date())
    return Warned(vm, lease.stage_of(left), left, vm.lease_until)


def _write(user: User, found: list[Warned], now: datetime) -> bool:
    if not user.email:
        return False
    try:
        return decide(lambda: _post(user, found, now))
    except Busy:
        log.warning("leases: the mail to person %s waits: the database was busy", user.pk)
        return False


def _post(user: User, found: list[Warned], now: datetime) -> bool:
    """Inside one transaction, under the person's row: what is new is recorded and told, with all of theirs listed."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if told_today(user, now):
        return False
    new = [each for each in found if each.stage and not _is_told(each, user)]
    if not new:
        return False
    listed = sorted((each for each in found if each.stage), key=lambda each: (each.left, each.vm.name))
    mail = _mail(user, listed, now)
    made = [
        LeaseNotice(vm=each.vm, ends_at=each.ends_at, stage=each.stage, told_id=user.pk, mail=mail, made_at=now)
        for each in new
    ]
    LeaseNotice.objects.bulk_create(made)
    return True


def told_today(user: User, now: datetime) -> bool:
    """Whether the person had a mail on this local day."""
    day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return LeaseNotice.objects.filter(told_id=user.pk, made_at__gte=day, made_at__lt=day + timedelta(days=1)).exists()


def _is_told(each: Warned, user: User) -> bool:
    same = LeaseNotice.objects.filter(vm=each.vm, ends_at=each.ends_at, told_id=user.pk)
    return same.filter(stage=each.stage).exists()


def _mail(user: User, listed: list[Warned], now: datetime) -> OutgoingMail | None:
    ref = renewal_links.make(user, [each.vm for each in listed], now)
    context = {
        "user": user,
        "listed": listed,
        "site": settings.SITE_NAME,
        "link": f"{settings.SITE_URL}{reverse('vms:renew_by_link', args=[ref])}",
        "trash_days": settings.TRASH_DAYS,
    }
    text, html = render_to_string("mail/lease.txt", context), render_to_string("mail/lease.html", context)
    return outbox.post(user, f"{settings.SITE_NAME}: {subject(listed)}", text, html=html)


def subject(listed: list[Warned]) -> str:
    """'web-01 expires in 3 days', '3 of your VMs expire or have expired'."""
    if len(listed) == 1:
        return f"{listed[0].vm.name} {listed[0].words}"
    return f"{len(listed)} of your VMs expire soon or have expired"
