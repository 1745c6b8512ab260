"""Celery only delivers: every task calls one function."""

from celery import shared_task
from django.utils import timezone

from quotas import allowances


@shared_task(name="quotas.tasks.announce_ending_allowances")
def announce_ending_allowances() -> None:
    """Every few hours: a week before an allowance ends, its people are told."""
    allowances.announce_ends(timezone.now())
