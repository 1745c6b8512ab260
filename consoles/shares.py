"""Shared consoles: what one person lets one other see or use for a while.

What a share gives is read at the moment of use: its maker has to control the machine still, its guest to be let in.
Its address holds a reference, shown to its maker once; the database keeps the hash.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.audit import record
from accounts.models import User
from accounts.standing import may_be_signed_in
from consoles.grants import MAX_ID, PRUNE_AFTER, hashed
from consoles.models import ConsoleShare
from consoles.modes import Mode
from vms import restraints
from vms.access import may
from vms.audits import about
from vms.models import VirtualMachine
from vms.operations import Refusal
from vms.states import Action, Lifecycle

REF_BYTES = 32
#: Links one person may have open to one machine.
MOST = 10
#: One sentence for whatever is wrong with a link, so that it says nothing about others'.
OVER = "It is over, was revoked, or is for somebody else. Ask the person who gave you the link for another."


def standing(share_id: int, user: User, vm: VirtualMachine, now: datetime) -> Mode | None:
    """What the share gives this person at this machine now; None when it is over, or somebody else's."""
    taken = ConsoleShare.objects.select_related("maker").filter(taken_at__isnull=False)
    share = taken.filter(pk=share_id, guest=user, vm=vm).first()
    return mode_of(share) if share is not None and _is_let_in(user) and _holds(share, vm, now) else None


def may_share(user: User, vm: VirtualMachine) -> bool:
    """Whoever controls the machine and belongs to the house."""
    return user.departed_at is None and may(user, vm, Action.CONTROL)


@transaction.atomic
def make(
    maker: User, vm: VirtualMachine, *, guest: str = "", may_control: bool = False, minutes: int, key: str = "",
    address: str = "", now: datetime,
) -> str:  # fmt: skip
    """A new reference of 256 bits (43 base64url characters). `guest` is a username; empty: whoever opens it first.

    `key` is the form's: sent twice it makes one. Raises PermissionDenied, and Refusal with the field "guest",
    "minutes" or none.
    """
    User.objects.select_for_update(no_key=True).get(pk=maker.pk)  # one after the other, or ten would become more
    if not may_share(maker, vm):
        raise PermissionDenied("Only who controls a VM shares its console.")
    _refuse(maker, vm, minutes, key, now)
    ref = secrets.token_urlsafe(REF_BYTES)
    share = ConsoleShare.objects.create(
        ref_hash=hashed(ref), maker=maker, vm=vm, machine_uuid=vm.smbios_uuid or "", guest=_named(guest.strip(), maker),
        may_control=may_control, made_at=now, expires_at=now + timedelta(minutes=minutes), form_key=key,
    )  # fmt: skip
    _record("console.shared", share, maker, address, minutes=minutes)
    return ref


def find(ref: str, user: User, now: datetime) -> ConsoleShare | None:
    """The share behind a reference, for its guest, or for anybody but its maker while nobody took it."""
    mine = _loaded().filter(Q(guest=None) | Q(guest=user)).exclude(maker=user)
    share = mine.filter(ref_hash=hashed(ref)).first()
    return share if share is not None and _is_let_in(user) and _holds(share, share.vm, now) else None


@transaction.atomic
def take(ref: str, user: User, *, address: str, now: datetime) -> ConsoleShare | None:
    """The share, bound to this person from now on; None for everybody else.

    One conditional update decides: of many at once exactly one changes the row.
    """
    share = find(ref, user, now)
    if share is None:
        return None
    rows = ConsoleShare.objects.filter(pk=share.pk, revoked_at=None, expires_at__gt=now)
    if rows.filter(Q(guest=None) | Q(guest=user), taken_at=None).update(guest=user, taken_at=now):
        share.refresh_from_db(fields=["guest", "taken_at"])
        _record("console.share_taken", share, user, address)
    return share if rows.filter(guest=user).exists() else None


def of_guest(share_id: int, user: User, now: datetime) -> ConsoleShare | None:
    """A share that this person has taken and may use now."""
    share = _loaded().filter(pk=min(share_id, MAX_ID), guest=user).first()
    return share if share is not None and standing(share.pk, user, share.vm, now) else None


def active(vm: VirtualMachine, now: datetime) -> list[ConsoleShare]:
    """What is shared of this machine now, newest first."""
    open_ones = _loaded().filter(vm=vm, revoked_at=None, expires_at__gt=now)
    return [share for share in open_ones if _holds(share, share.vm, now)]


def for_revoking(share_id: int, user: User) -> ConsoleShare | None:
    """A share that this person may revoke: its maker, and whoever manages the machine."""
    share = _loaded().filter(pk=min(share_id, MAX_ID)).first()
    if share is None or (share.maker_id != user.pk and not may(user, share.vm, Action.RENAME)):
        return None
    return share


@transaction.atomic
def revoke(share: ConsoleShare, by: User, *, address: str, now: datetime) -> bool:
    """Ends it for good; False where it was over already. Consoles that stand on it end with their next look."""
    rows = ConsoleShare.objects.filter(pk=share.pk, revoked_at=None, expires_at__gt=now)
    if not rows.update(revoked_at=now):
        return False
    _record("console.share_revoked", share, by, address)
    return True


def note_use(share_id: int, user: User, visit_id: int, address: str) -> None:
    """The audit's row of one opening, in the transaction that opens it."""
    share = _loaded().get(pk=share_id)
    _record("console.share_used", share, user, address, visit=visit_id)


def prune(now: datetime) -> int:
    """Removes shares whose time ended a day ago; how many. The audit keeps what was done with them."""
    return ConsoleShare.objects.filter(expires_at__lt=now - PRUNE_AFTER).delete()[0]


def mode_of(share: ConsoleShare) -> Mode:
    """What it gives while it holds."""
    return Mode.CONTROL if share.may_control else Mode.VIEW


def most_minutes() -> int:
    """For how long a console may be shared at most."""
    return int(settings.CONSOLE_SHARE_MAX_S // 60)


def _holds(share: ConsoleShare, vm: VirtualMachine, now: datetime) -> bool:
    """Not revoked, not over, the same machine, and its maker may still use it."""
    if share.revoked_at is not None or share.expires_at <= now or share.machine_uuid != vm.smbios_uuid:
        return False
    maker = share.maker
    return may_be_signed_in(maker) and may_share(maker, vm) and not _why_no_screen(maker, vm)


def _is_let_in(user: User) -> bool:
    return may_be_signed_in(user) and user.departed_at is None


def _loaded() -> QuerySet[ConsoleShare]:
    return ConsoleShare.objects.select_related("maker", "guest", "vm", "vm__pool", "vm__pool__owner")


def _why_no_screen(maker: User, vm: VirtualMachine) -> str:
    """Why the maker has no screen of this machine to share; empty where there is one, running or not."""
    if vm.smbios_uuid is None or vm.lifecycle in {Lifecycle.GONE, Lifecycle.FAILED}:
        return "It has no screen that could be shared."
    return restraints.of_console(maker, vm) or restraints.of_trash(vm, Action.CONSOLE)


def _refuse(maker: User, vm: VirtualMachine, minutes: int, key: str, now: datetime) -> None:
    """Raises Refusal where there is nothing to share, or the wish is too long, came before, or is one too many."""
    if why := _why_no_screen(maker, vm):
        raise Refusal(why)
    if not 1 <= minutes <= most_minutes():
        raise Refusal(f"Write a number of minutes from 1 to {most_minutes()}.", "minutes")
    mine = ConsoleShare.objects.filter(maker=maker)
    if key and mine.filter(form_key=key).exists():
        raise Refusal("This was sent already, and its link was shown then. Revoke it below and make another.")
    if mine.filter(vm=vm, revoked_at=None, expires_at__gt=now).count() >= MOST:
        raise Refusal(f"You have {MOST} links to this console. Revoke one below first.")


def _named(name: str, maker: User) -> User | None:
    """The guest by username. Who is unknown and who may not sign in get the same sentence. Raises Refusal."""
    if not name:
        return None
    if name.casefold() == maker.username.casefold():
        raise Refusal("That is you. Name your guest, or leave this empty.", "guest")
    found = User.objects.filter(username__iexact=name, is_active=True, locked_at=None, departed_at=None)
    # Names that differ in capitals alone are two people's: only the letter decides between them.
    guest = found.filter(username=name).first() or (found.get() if found.count() == 1 else None)
    if guest is None:
        raise Refusal(f"Nobody called {name[:60]} signs in here. Leave this empty to let the first one in.", "guest")
    return guest


def _record(verb: str, share: ConsoleShare, actor: User, address: str, **detail: Any) -> None:
    record(
        actor=actor,
        verb=verb,
        pool=share.vm.pool,
        **about(share.vm) | {"machine_uuid": share.machine_uuid},
        address=address,
        share=share.pk,
        maker=share.maker.username,
        guest=share.guest.username if share.guest else "",
        mode=mode_of(share),
        **detail,
    )
