"""Shared consoles: what one person lets one other see or use for a while.

What a share gives is read at the moment of use: its maker has to control the machine still, its guest to be let in.
"""

from datetime import datetime

from accounts.models import User
from accounts.standing import may_be_signed_in
from consoles.models import ConsoleShare
from consoles.modes import Mode
from vms import restraints
from vms.access import may
from vms.models import VirtualMachine
from vms.states import Action


def standing(share_id: int, user: User, vm: VirtualMachine, now: datetime) -> Mode | None:
    """What the share gives this person at this machine now; None when it is over, or somebody else's."""
    share = ConsoleShare.objects.select_related("maker").filter(pk=share_id, guest=user, vm=vm).first()
    if share is None or not _holds(share, vm, now):
        return None
    return Mode.CONTROL if share.may_control else Mode.VIEW


def _holds(share: ConsoleShare, vm: VirtualMachine, now: datetime) -> bool:
    """Not revoked, not over, the same machine, and its maker may still use it."""
    if share.revoked_at is not None or share.expires_at <= now or share.machine_uuid != vm.smbios_uuid:
        return False
    maker = share.maker
    return may_be_signed_in(maker) and may(maker, vm, Action.CONTROL) and not restraints.of_console(maker, vm)
