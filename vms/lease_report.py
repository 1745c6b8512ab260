"""The RTPs' daily mail: what will go, what is held and why, and the newest seal of the audit trail.

The seal is the reason to send it on a day without news, too: kept where the database cannot reach, it proves later
that nothing was cut off. Not sent while there is neither.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import outbox, seals
from accounts.models import User
from vms import lease_acts
from vms.lease_acts import Act
from vms.leasing import dated, watch
from vms.models import LeaseWatch, VirtualMachine
from vms.operations.database import decide


@dataclass(frozen=True)
class Report:
    """`going`: due and free, in the order they go. `held`: due, with what keeps each. `soon`: ends within a day."""

    going: list[Act]
    held: list[Act]
    soon: list[VirtualMachine]

    @property
    def is_empty(self) -> bool:
        """Nothing to tell."""
        return not (self.going or self.held or self.soon)


def report(now: datetime) -> Report:
    """What stands now."""
    found = lease_acts.due(now)
    free = [act for act in found if not act.held]
    most = len(free) if lease_acts.is_released(now) else settings.LEASE_MOST_ACTS - lease_acts.done_lately(now)
    waiting = [Act(a.vm, a.name, a.ends_at, a.stage, lease_acts.TOO_MANY) for a in free[max(0, most) :]]
    soon = dated().filter(lease_until__gt=now, lease_until__lte=now + timedelta(days=1)).order_by("lease_until")
    return Report(free[: max(0, most)], [act for act in found if act.held] + waiting, list(soon))


def send(now: datetime) -> bool:
    """Once a local day; True where it was sent."""
    last = watch().reported_at
    if last is not None and timezone.localtime(last).date() == timezone.localtime(now).date():
        return False
    found, seal = report(now), seals.newest()
    if found.is_empty and not seal:
        return False

    def work() -> bool:
        rows = LeaseWatch.objects.filter(pk=1, reported_at=last)
        if rows.update(reported_at=now) != 1:
            return False
        _tell(found, seal)
        return True

    return decide(work)


def _tell(found: Report, seal: str) -> None:
    link = f"{settings.SITE_URL}{reverse('vms:leases')}"
    context = {"report": found, "site": settings.SITE_NAME, "link": link, "seal": seal}
    text, html = render_to_string("mail/lease_report.txt", context), render_to_string("mail/lease_report.html", context)
    news = f"leases: {len(found.going)} go, {len(found.held)} are held"
    subject = f"{settings.SITE_NAME}: {'the audit trail’s seal of today' if found.is_empty else news}"
    for user in User.objects.filter(is_rtp=True, is_active=True):
        if user.has_rtp_power:
            outbox.post(user, subject, text, html=html)
