"""Celery only delivers: every task calls one function."""

from celery import shared_task
from django.utils import timezone

from accounts import outbox, spent


@shared_task(name="accounts.tasks.send_mail")
def send_mail() -> None:
    """Every 30 s: mail that is due."""
    outbox.send_due(timezone.now())


@shared_task(name="accounts.tasks.forget_spent")
def forget_spent() -> None:
    """Every hour: codes and tokens that could not be used any more anyway."""
    spent.prune(timezone.now())
