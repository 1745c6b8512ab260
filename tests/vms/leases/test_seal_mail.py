"""The RTPs' daily mail carries the newest seal of the audit trail, also on a day without news of leases."""

import re
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import audit, seals
from accounts.models import AuditEvent, AuditSeal, OutgoingMail
from tests.cast import Cast
from tests.factories import make_vm
from tests.figures import figure
from vms import lease_report

DAY = timedelta(days=1)


def sealed(cast: Cast, rows: int) -> datetime:
    """So many rows with their seal; now, when they are sealed."""
    for n in range(rows):
        audit.record(actor=cast.alice, verb="vm.start", target_kind="vm", target_id=n)
    now = timezone.now() + timedelta(hours=1)
    seals.seal_due(now)
    return now


def mailed_seal() -> str:
    """What an RTP copies out of the newest mail."""
    found = re.search(r"audit_verify --seal (\S+)$", OutgoingMail.objects.latest("pk").text, re.MULTILINE)
    assert found
    return found[1]


def verify(seal: str) -> str:
    out = StringIO()
    try:
        call_command("audit_verify", "--seal", seal, stdout=out)
    except CommandError as error:
        return f"{out.getvalue()}{error}"
    return out.getvalue()


def test_a_day_without_news_sends_the_seal_in_one_short_mail_a_day(cast: Cast) -> None:
    now = sealed(cast, 3)

    sent = [lease_report.send(now), lease_report.send(now), lease_report.send(now + DAY)]

    mails = OutgoingMail.objects.order_by("pk")
    assert (sent, [mail.to for mail in mails]) == ([True, False, True], ["rita@example.org"] * 2)
    assert mailed_seal() == seals.newest()
    assert seals.newest() in mails[0].html
    assert "leases" not in mails[0].text + mails[0].html + mails[0].subject


def test_a_day_with_news_has_both_and_one_with_neither_sends_nothing(cast: Cast) -> None:
    assert lease_report.send(timezone.now()) is False
    now = sealed(cast, 1)
    make_vm(cast.alices, "web-01", lease_until=now + timedelta(hours=5))

    assert lease_report.send(now) is True

    mail = OutgoingMail.objects.get()
    assert ("web-01" in mail.text, "hold all deletions" in mail.text, mailed_seal()) == (True, True, seals.newest())


def test_what_is_cut_off_afterwards_is_found_by_the_seal_of_the_mail(cast: Cast) -> None:
    first = sealed(cast, 4)
    lease_report.send(first)
    kept = mailed_seal()
    assert "0 flaws" in verify(kept)
    newest = AuditSeal.objects.latest("last_id")

    AuditSeal.objects.filter(pk=newest.pk).delete()
    AuditEvent.objects.filter(pk__gte=newest.first_id).delete()

    assert "0 flaws" in verify("")  # the control: without the mail nothing is missing
    assert f"the seal {kept} is not in the chain" in verify(kept)
    assert "not what was sealed" in verify(kept)


@pytest.mark.parametrize("later", [0, 2])
def test_an_older_mails_seal_holds_while_the_trail_goes_on(cast: Cast, later: int) -> None:
    lease_report.send(sealed(cast, 2))
    kept = mailed_seal()
    for _ in range(later):
        sealed(cast, 2)
    removed = AuditEvent.objects.order_by("pk")[1].pk

    assert "0 flaws" in verify(kept)
    AuditEvent.objects.filter(pk=removed).delete()
    assert f"row {removed}: was removed" in verify(kept)
    figure("audit", "mailed seal", "later seals", later, "named", 1)
