"""What is done when a lease, or the time in the trash, has ended. Recorded before it is asked for, a few a day."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import Pool
from quotas.locking import lock_pool
from vms import lease, lease_guards
from vms.leasing import dated, watch
from vms.models import LeaseNotice, VirtualMachine
from vms.operations import requests
from vms.operations.database import decide
from vms.operations.delete import delete_by_portal
from vms.operations.errors import Busy
from vms.operations.power import POWER
from vms.operations.trash import Trash
from vms.states import Lifecycle, OperationKind, Power

log = logging.getLogger(__name__)
TOO_MANY = "More are due today than go without an RTP's release."
WORDS = {"stop": "be shut down", "trash": "go into the trash", "purge": "be deleted for good"}


@dataclass(frozen=True)
class Act:
    """One machine whose time is over: what is to be done, for which end, and what keeps it."""

    vm: VirtualMachine
    name: str
    ends_at: datetime
    stage: str
    held: str = ""

    @property
    def words(self) -> str:
        """'be shut down'."""
        return WORDS[self.name]


def due(now: datetime) -> list[Act]:
    """Everything whose time is over and that was not done today, each with what keeps it; the longest due first."""
    whole = lease_guards.of_everything(now)
    found = [act for act in (act_of(vm, now) for vm in _ended(now)) if act is not None and not _is_done(act)]
    return [Act(a.vm, a.name, a.ends_at, a.stage, whole or _held(a, now)) for a in found]


def _ended(now: datetime) -> list[VirtualMachine]:
    lying = VirtualMachine.objects.filter(lifecycle=Lifecycle.READY, trash_until__lte=now, trashed_at__isnull=False)
    bound = lying.filter(pool__proxmox_poolid__isnull=False).select_related("pool__owner")
    over = dated().filter(lease_until__lte=now)
    return [*bound.order_by("trash_until"), *over.order_by("lease_until")]


def act_of(vm: VirtualMachine, now: datetime) -> Act | None:
    """What is due for this machine; None where nothing is."""
    if vm.trashed_at is not None:
        if vm.trash_until is None or vm.trash_until > now:
            return None
        left = lease.days_left(timezone.localtime(vm.trash_until), timezone.localtime(now).date())
        return Act(vm, "purge", vm.trash_until, f"purge{left}")
    if vm.lease_until is None:
        return None
    found = lease.due(
        timezone.localtime(vm.lease_until), timezone.localtime(now), told=frozenset(), acted=frozenset(),
        runs=vm.power != Power.STOPPED,
    )  # fmt: skip
    return Act(vm, found.act, vm.lease_until, found.act_stage) if found.act else None


def _is_done(act: Act) -> bool:
    return LeaseNotice.objects.filter(vm=act.vm, ends_at=act.ends_at, stage=act.stage, told_id=0).exists()


def _held(act: Act, now: datetime) -> str:
    is_deletion = act.name != "stop"
    if act.name == "purge" and act.vm.trashed_by_id is not None:
        # Its owner threw it away: that was the warning.
        return lease_guards.of_hold(now) or lease_guards.of_state(act.vm, is_deletion=True)
    return lease_guards.of_machine(act.vm, is_deletion=is_deletion, now=now)


def carry_out(now: datetime) -> int:
    """Does what is due and free; how many. More than LEASE_MOST_ACTS a day only with an RTP's release."""
    free = [act for act in due(now) if not act.held]
    room = len(free) if is_released(now) else max(0, settings.LEASE_MOST_ACTS - done_lately(now))
    return sum(_safely(lambda act=act: do(act, now)) for act in free[:room])  # type: ignore[misc]


def is_released(now: datetime) -> bool:
    """An RTP lets everything that is due go today."""
    until = watch().released_until
    return until is not None and until > now


def done_lately(now: datetime) -> int:
    """Acts of the last 24 hours."""
    return LeaseNotice.objects.filter(told_id=0, made_at__gt=now - timedelta(hours=24), made_at__lte=now).count()


def _safely(act: Callable[[], bool]) -> bool:
    try:
        return act()
    except Busy:
        log.warning("leases: the database was busy; tried again at the next look")
        return False


def do(act: Act, now: datetime) -> bool:
    """One act under the pool's lock, by the row as it is then. False where a renewal or a guard came first."""

    def work() -> bool:
        assert act.vm.pool_id is not None  # noqa: S101 (read by its pool)
        pool = lock_pool(act.vm.pool_id)
        machines = VirtualMachine.objects.select_for_update(of=("self",), no_key=True).select_related("pool__owner")
        vm = machines.get(pk=act.vm.pk)
        same = act_of(vm, now) if vm.pool_id == pool.pk and vm.lifecycle == Lifecycle.READY else None
        if same is None or same.stage != act.stage or same.ends_at != act.ends_at or _held(same, now):
            return False
        if not still_dated(same):
            return False
        _, is_new = LeaseNotice.objects.get_or_create(
            vm=vm, ends_at=same.ends_at, stage=same.stage, told_id=0, defaults={"made_at": now}
        )
        if is_new:
            _ask(same, pool)
        return is_new

    return decide(work)


def still_dated(act: Act) -> bool:
    """Whether the machine has a lease, or lies in the trash, by the row as it is now."""
    return act.name == "purge" or dated().filter(pk=act.vm.pk).exists()


def _ask(act: Act, pool: Pool) -> None:
    key = f"lease-{act.vm.pk}-{act.stage}-{int(act.ends_at.timestamp())}"
    match act.name:
        case "purge":
            delete_by_portal(act.vm, pool, key=key, trash_end=act.ends_at)
        case "trash":
            _put_away(act, pool, key)
        case _:
            _shut_down(act, pool, key)


def _shut_down(act: Act, pool: Pool, key: str) -> None:
    """Asked on the last day; on later ones, where the guest does not obey in time, switched off."""
    wish = {"by_portal": True, "lease_end": act.ends_at.isoformat(), "force": act.stage != "stop0"}
    kind = OperationKind.STOP if act.vm.power == Power.PAUSED else OperationKind.SHUTDOWN
    requests.open_operation(act.vm, pool, kind, POWER[kind].steps, by=None, address="", key=key, wish=wish)


def _put_away(act: Act, pool: Pool, key: str) -> None:
    """Into the trash; what runs is shut down first, hard where the guest does not obey."""
    runs = act.vm.power != Power.STOPPED
    wish = {"by_portal": True, "lease_end": act.ends_at.isoformat(), "force": runs}
    wish |= {"autostart": act.vm.start_at_boot, "on": False}
    steps = Trash.steps
    requests.open_operation(act.vm, pool, OperationKind.TRASH, steps, by=None, address="", key=key, wish=wish)
