"""Periodic work of consoles."""

import logging

from celery import shared_task
from django.utils import timezone

from consoles import grants, shares, visits

log = logging.getLogger(__name__)


@shared_task
def prune_grants() -> None:
    """Removes grants and shared consoles that expired a day ago."""
    now = timezone.now()
    log.info("console grants pruned: %d, shares: %d", grants.prune(now), shares.prune(now))


@shared_task
def close_abandoned() -> None:
    """Closes visits that a crash left open."""
    log.info("abandoned console visits closed: %d", visits.close_lost(timezone.now()))
