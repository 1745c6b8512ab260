"""Listens to what lower apps say about people."""

import logging
from typing import Any

from django.dispatch import receiver

from accounts.signals import user_deactivated

log = logging.getLogger(__name__)


@receiver(user_deactivated, dispatch_uid="vms.deactivated")
def on_deactivated(sender: object, *, user_id: int, **kw: Any) -> None:
    """Nothing is done at once: their machines run on, and vms.tasks.shut_down_departed ends that when it is time."""
    log.info("person %s left the house; what runs in their own pool runs on for now", user_id)
