"""Listens to what lower apps say about people."""

import logging
from typing import Any

from django.dispatch import receiver

from accounts.signals import user_deactivated
from vms.models import VirtualMachine
from vms.states import Power

log = logging.getLogger(__name__)


@receiver(user_deactivated, dispatch_uid="vms.deactivated")
def on_deactivated(sender: object, *, user_id: int, **kw: Any) -> None:
    """Nothing is done at once: their machines run on, and vms.tasks.shut_down_departed ends that when it is time."""
    running = VirtualMachine.objects.filter(pool__owner=user_id).present().exclude(power=Power.STOPPED)
    log.info("person %s left the house; machines that run on: %s", user_id, running.count())
