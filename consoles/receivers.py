"""What other apps tell makes consoles look at their rights at once; without it they look every two seconds."""

import asyncio
import logging
import time
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.signals import user_logged_out

from accounts.signals import membership_removed, sessions_ended, user_deactivated, user_locked
from consoles.groups import user_group, vm_group
from vms.signals import pool_changed, vm_gone, vm_locked, vm_trashed

log = logging.getLogger(__name__)
LOOK = {"type": "console.look"}
#: How long a word may take, and for how long none is said after one that did not go out.
WORD_S, PAUSE_S = 0.5, 5.0
_left_alone: dict[int, float] = {}


def connect() -> None:
    """Called once, when apps are ready."""
    user_deactivated.connect(look_at_user, dispatch_uid="consoles.deactivated")
    sessions_ended.connect(look_at_user, dispatch_uid="consoles.sessions_ended")
    user_locked.connect(look_at_user, dispatch_uid="consoles.locked")
    membership_removed.connect(look_at_user, dispatch_uid="consoles.membership")
    vm_gone.connect(look_at_vm, dispatch_uid="consoles.gone")
    vm_locked.connect(look_at_vm, dispatch_uid="consoles.vm_locked")
    vm_trashed.connect(look_at_vm, dispatch_uid="consoles.vm_trashed")
    pool_changed.connect(look_at_vm, dispatch_uid="consoles.pool")
    user_logged_out.connect(look_at_signed_out, dispatch_uid="consoles.signed_out")


def look_at_user(sender: object, *, user_id: int, **kw: Any) -> None:
    """All consoles of one person."""
    _say(user_group(user_id))


def look_at_vm(sender: object, *, vm_id: int, **kw: Any) -> None:
    """All consoles of one machine."""
    _say(vm_group(vm_id))


def look_at_signed_out(sender: object, *, user: Any, **kw: Any) -> None:
    """One of the person's sessions ended; the others hold."""
    if user is not None and user.pk:
        _say(user_group(user.pk))


def _say(group: str) -> None:
    async_to_sync(say)(group)


async def say(group: str) -> None:
    """One word to a group. Whoever says it is never held up: a layer that is silent is left alone for a while."""
    layer = get_channel_layer()
    if time.monotonic() < _left_alone.get(id(layer), 0.0):
        return
    try:
        async with asyncio.timeout(WORD_S):
            await layer.group_send(group, LOOK)
    except Exception as error:  # the layer's client raises whatever its library does; the page must not fail for it
        _left_alone[id(layer)] = time.monotonic() + PAUSE_S
        log.warning("consoles are not told at once: %s", type(error).__name__)
