"""Celery only delivers: every task calls one function."""

from celery import shared_task
from django.utils import timezone

from accounts import factors, links, local, outbox, seals, spent, sync
from accounts.oidc import health, sessions


@shared_task(name="accounts.tasks.send_mail")
def send_mail() -> None:
    """Every 30 s: mail that is due, and codes that somebody asked for."""
    outbox.send_due(timezone.now())
    local.send_reset_codes(timezone.now())


@shared_task(name="accounts.tasks.reseal_factors")
def reseal_factors() -> None:
    """Every hour: seals with the newest SECRET_KEY what an earlier one sealed."""
    factors.reseal()


@shared_task(name="accounts.tasks.seal_audit")
def seal_audit() -> None:
    """Every ten minutes: seals audit rows that are old enough."""
    seals.seal_due(timezone.now())


@shared_task(name="accounts.tasks.forget_spent")
def forget_spent() -> None:
    """Every hour: codes and tokens that could not be used any more anyway."""
    spent.prune(timezone.now())
    links.prune(timezone.now())
    sessions.prune()


@shared_task(name="accounts.tasks.check_provider")
def check_provider() -> None:
    """Every 30 s: whether the house's sign-in answers, for the sign-in page and the RTPs."""
    health.watch()


@shared_task(name="accounts.tasks.sync_directory")
def sync_directory() -> None:
    """Every ten minutes, at a worker's start and when an RTP asks: one pass over the house's directory."""
    sync.keep_up(timezone.now())
