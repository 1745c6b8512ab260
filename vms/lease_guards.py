"""What keeps the portal from stopping or deleting anything because of a lease: each guard with its own sentence."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format

from accounts.alarms import open_alarms
from accounts.models import PoolMembership, User
from accounts.roles import Role
from accounts.sync import ALARM as DIRECTORY
from vms import restraints
from vms.lease import LEAST_WARNINGS
from vms.leasing import watch
from vms.models import LeaseNotice, MirrorRun, Operation, VirtualMachine
from vms.states import Action, Power

AWAY = timedelta(hours=24)


def of_everything(now: datetime) -> str:
    """Why nothing at all is stopped or deleted now; empty where nothing keeps it."""
    return of_reading(now) or of_directory() or of_return(now)


def of_reading(now: datetime) -> str:
    """The newest reading of the cluster has to be complete, unfrozen and fresh."""
    newest = MirrorRun.objects.filter(finished_at__isnull=False).first()
    if newest is None or newest.finished_at is None:
        return "The cluster has not been read yet."
    if not newest.is_complete or newest.frozen:
        return "The newest reading of the cluster is not complete."
    age_s = abs((now - newest.finished_at).total_seconds())
    return "The newest reading of the cluster is too old." if age_s > settings.LEASE_READING_S else ""


def of_directory() -> str:
    """While the directory's readings are held back, nobody can tell who is still in the house."""
    return "The house's directory is held back by an alarm." if open_alarms().filter(kind=DIRECTORY).exists() else ""


def of_return(now: datetime) -> str:
    """For a day after a long silence members have a chance to read their mail."""
    back_at = watch().back_at
    if back_at is None or now - back_at >= AWAY:
        return ""
    return f"The portal is back since {_moment(back_at)}; it waits for 24 hours."


def of_hold(now: datetime) -> str:
    """An RTP holds all deletions."""
    found = watch()
    if found.held_until is None or found.held_until <= now:
        return ""
    return f"{found.held_by or 'An RTP'} holds all deletions until {_moment(found.held_until)}: {found.held_reason}"


def of_machine(vm: VirtualMachine, *, is_deletion: bool, now: datetime) -> str:
    """Why this one is left alone although its time is over; empty where nothing keeps it."""
    if is_deletion and (why := of_hold(now)):
        return why
    return of_state(vm, is_deletion=is_deletion) or of_warnings(vm)


def of_state(vm: VirtualMachine, *, is_deletion: bool) -> str:
    """Locks, what is under way, what cannot be read, and the protection in Proxmox."""
    if vm.locked_at is not None or (vm.pool and restraints.of_owner(vm.pool)):
        return restraints.of_lock(vm, Action.START)
    if vm.missing_since is not None:
        return "Proxmox does not show it right now."
    if vm.power == Power.UNKNOWN:
        return "Its state is not known right now."
    if Operation.objects.blocking().filter(vm=vm).exists():
        return "Something else is being done with it."
    if is_deletion and vm.hardware.get("is_protected"):
        return "It is protected against deletion in Proxmox."
    return ""


def of_warnings(vm: VirtualMachine) -> str:
    """Fewer than three warnings reached any of those who can renew it."""
    most = delivered(vm)
    if most >= LEAST_WARNINGS:
        return ""
    return f"Its owner had {most} delivered warning{'' if most == 1 else 's'}; {LEAST_WARNINGS} are needed."


def delivered(vm: VirtualMachine) -> int:
    """How many warnings of this lease were sent to whoever of those who can renew it had most."""
    if vm.lease_until is None:
        return 0
    sent = LeaseNotice.objects.filter(vm=vm, ends_at=vm.lease_until, mail__sent_at__isnull=False)
    told = list(sent.filter(told_id__in=[user.pk for user in recipients(vm)]).values_list("told_id", flat=True))
    return max((told.count(each) for each in told), default=0)


def recipients(vm: VirtualMachine) -> list[User]:
    """Who is told and can renew: the owner of a personal pool, the managers of a shared one."""
    if vm.pool is None:
        return []
    if vm.pool.owner is not None:
        return [vm.pool.owner]
    managers = PoolMembership.objects.filter(pool=vm.pool, role=Role.MANAGER, user__departed_at=None)
    return [each.user for each in managers.select_related("user") if each.user.is_active]


def _moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j M, H:i")
