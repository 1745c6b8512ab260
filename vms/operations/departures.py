"""The end of a departure: what still runs in the own pool is shut down, in the ordinary way, and the account closes."""

import logging
from datetime import datetime

from accounts.alarms import end_alarm, open_alarms, raise_alarm
from accounts.departures import close_account, runs_on_until
from accounts.models import User
from accounts.pools import find_personal_pool
from quotas.locking import lock_pool
from vms.models import Operation, VirtualMachine
from vms.operations import requests
from vms.operations.database import decide
from vms.operations.errors import Busy
from vms.operations.power import POWER
from vms.states import Lifecycle, OperationKind, OperationState, Power

log = logging.getLogger(__name__)
ALARM = "departure"
#: How the keys of these shutdowns begin; the rest names person, machine and end, so that each is asked for once.
KEY = "departure-"


def shut_down_departed(now: datetime) -> int:
    """One look: asks for the shutdowns that are due, closes accounts, tells RTPs what did not go. Returns how many
    were asked for. Safe to repeat: each machine is asked once a departure; one that is busy, at the next look."""
    due = User.objects.filter(departed_at__isnull=False, is_active=True, run_on_until__lte=now)
    asked = 0
    for user_id in due.order_by("pk").values_list("pk", flat=True):
        try:
            asked += _see_off(user_id, now)
        except Busy:
            log.warning("departure of person %s: the database was busy; tried again at the next look", user_id)
    _tell_rtps(now)
    return asked


def key_of(user: User, vm: VirtualMachine) -> str:
    """One key for each departure and machine; a second departure of the same person has another end."""
    until = runs_on_until(user)
    return f"{KEY}{user.pk}-{vm.pk}-{int(until.timestamp()) if until else 0}"


def _see_off(user_id: int, now: datetime) -> int:
    pool = find_personal_pool(User.objects.get(pk=user_id))

    def work() -> int:
        locked = lock_pool(pool.pk) if pool else None
        # The person's row is read under the lock: who came back a moment ago is left alone.
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        until = runs_on_until(user)
        if until is None or until > now or not user.is_active:
            return 0
        machines = list(VirtualMachine.objects.filter(pool=locked).present()) if locked else []
        held = Operation.objects.blocking().filter(vm__in=machines).exclude(kind=OperationKind.DELETE)
        held = held.exclude(actor=None, idempotency_key__startswith=KEY)
        busy = set(held.values_list("vm_id", flat=True))
        due = [vm for vm in machines if _awaits_shutdown(vm, user)]
        asked = [_ask(vm, user) for vm in due if vm.pk not in busy and vm.power == Power.RUNNING]
        # What is busy or cannot be read now is looked at again; until then the account stays open.
        if len(asked) == len(due) and not busy:
            close_account(user)
        return len(asked)

    return decide(work)


def _awaits_shutdown(vm: VirtualMachine, user: User) -> bool:
    """It may run and was not asked yet. A paused one cannot obey a shutdown: RTPs are told of it instead."""
    if vm.lifecycle != Lifecycle.READY or vm.missing_since is not None or vm.power in {Power.STOPPED, Power.PAUSED}:
        return False
    return not Operation.objects.filter(actor=None, idempotency_key=key_of(user, vm)).exists()


def _ask(vm: VirtualMachine, user: User) -> Operation:
    assert vm.pool is not None  # noqa: S101 (read by its pool)
    wish = {"by_portal": True, "force": False, "departed": user.pk}
    steps = POWER[OperationKind.SHUTDOWN].steps
    return requests.open_operation(
        vm, vm.pool, OperationKind.SHUTDOWN, steps, by=None, address="", key=key_of(user, vm), wish=wish
    )


def _tell_rtps(now: datetime) -> None:
    """An alarm for each machine of somebody whose days are over that did not go down; ended when it has."""
    wrong = {f"vm-{vm.pk}": (vm, why) for vm in _overdue(now) if (why := _trouble(vm))}
    for key, (vm, why) in wrong.items():
        raise_alarm(ALARM, key, f"{vm.name} of {vm.pool}, who left the house, is not shut down: {why}", vm_id=vm.pk)
    for alarm in open_alarms().filter(kind=ALARM):
        if alarm.key not in wrong:
            end_alarm(ALARM, alarm.key)


def _overdue(now: datetime) -> list[VirtualMachine]:
    there = VirtualMachine.objects.filter(lifecycle__in=[Lifecycle.CREATING, Lifecycle.READY], missing_since=None)
    owners = {"pool__owner__departed_at__isnull": False, "pool__owner__run_on_until__lte": now}
    return list(there.filter(**owners).select_related("pool__owner"))


def _trouble(vm: VirtualMachine) -> str:
    """Why an RTP has to look; empty while things take their course."""
    last = Operation.objects.filter(vm=vm).first()
    if last is not None and (last.state == OperationState.NEEDS_RTP or not last.is_at_rest):
        return f"{last.sentence} ({last.code})" if last.is_at_rest else ""
    if vm.power == Power.STOPPED:
        return ""
    if last is not None and last.state == OperationState.FAILED and last.kind != OperationKind.START:
        return f"{last.sentence} ({last.code})"
    return {Power.PAUSED: "it is paused. Stop it.", Power.UNKNOWN: "its state is not known."}.get(Power(vm.power), "")
