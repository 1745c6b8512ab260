"""Leases: what people do to them, and the look that warns, stops and puts away. Nothing else dates a machine."""

import logging
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts import audit
from accounts.access import is_rtp
from accounts.models import User
from quotas.locking import lock_pool
from vms import lease_acts, lease_mails, lease_report, leasing, renewal_links, restraints
from vms.audits import about
from vms.leasing import end_after, is_dated, watch
from vms.mirror.lock import held
from vms.models import LeaseWatch, VirtualMachine
from vms.operations.database import decide
from vms.operations.errors import Refusal
from vms.operations.rights import may_manage
from vms.states import Action, Lifecycle

log = logging.getLogger(__name__)
HOLD = timedelta(hours=24)
LONGEST_REASON = 200
MOST_DAYS = 3650
BACK_STEP_S = 300


def renew(vm: VirtualMachine, *, by: User, address: str, now: datetime) -> VirtualMachine:
    """A whole new lease from now, never less than an RTP gave. Needs no Proxmox.

    Decided under the pool's row lock: it wins against what ends it.
    Raises PermissionDenied (not a manager, or left the house) or Refusal (no lease, or in the trash).
    """

    def work(fresh: VirtualMachine) -> None:
        refuse(fresh)
        if fresh.pool is None or not may_manage(by, fresh.pool) or by.departed_at:
            raise PermissionDenied(restraints.of_person(by, Action.START) or "Your role does not include renewing.")
        before = fresh.lease_until
        leasing.begin(fresh, now, at_least=before)
        if fresh.lease_until != before:  # what is sent twice is told once
            _record("vm.renewed", fresh, by, address)

    return _changed(vm, work)


def renew_all(user: User, *, address: str, now: datetime) -> int:
    """Renews everything of the person's own pool that has a lease; how many."""
    mine = leasing.dated().filter(pool__owner=user)
    return sum(_renewed(vm, user, address, now) for vm in mine)


def _renewed(vm: VirtualMachine, user: User, address: str, now: datetime) -> bool:
    try:
        renew(vm, by=user, address=address, now=now)
    except Refusal:
        return False
    return True


def extend(vm: VirtualMachine, *, until: date, by: User, address: str, now: datetime) -> VirtualMachine:
    """An RTP's: the lease ends on that day, at LEASE_HOUR. Ends a *never expires* of the machine. Audited."""
    _require_rtp(by)
    days = (until - timezone.localtime(now).date()).days
    if not 1 <= days <= MOST_DAYS:
        raise Refusal("Name a day after today, within ten years.", "until")

    def work(fresh: VirtualMachine) -> None:
        _refuse_absent(fresh)
        _refuse_trashed(fresh)
        if fresh.pool is None or not fresh.pool.proxmox_poolid or fresh.pool.never_expires:
            raise Refusal(f"{fresh.name} is in a pool whose machines have no lease.")
        fresh.lease_until, fresh.lease_exempt_reason = end_after(days, now), ""
        fresh.save(update_fields=["lease_until", "lease_exempt_reason"])
        _record("vm.lease_extended", fresh, by, address, until=until.isoformat())

    return _changed(vm, work)


def spare_many(vms: Iterable[VirtualMachine], *, reason: str, by: User, address: str) -> list[str]:
    """The same for many, each apart; the sentences of those that were refused."""
    return _each(vms, lambda vm: spare(vm, reason=reason, by=by, address=address))


def extend_many(vms: Iterable[VirtualMachine], *, until: date, by: User, address: str, now: datetime) -> list[str]:
    """The same for many, each apart; the sentences of those that were refused."""
    return _each(vms, lambda vm: extend(vm, until=until, by=by, address=address, now=now))


def _each(vms: Iterable[VirtualMachine], act: Callable[[VirtualMachine], object]) -> list[str]:
    """What one machine refuses does not keep the others; what was typed wrongly is wrong for all of them."""
    refused = []
    for vm in vms:
        try:
            act(vm)
        except Refusal as refusal:
            if refusal.field:
                raise
            refused.append(refusal.sentence)
    return refused


def spare(vm: VirtualMachine, *, reason: str, by: User, address: str) -> VirtualMachine:
    """An RTP's: it never expires, with the reason its members read. Audited."""
    _require_rtp(by)
    reason = _reason(reason, "Say why it never expires.")

    def work(fresh: VirtualMachine) -> None:
        _refuse_absent(fresh)
        _refuse_trashed(fresh)
        fresh.lease_exempt_reason = reason
        fresh.save(update_fields=["lease_exempt_reason"])
        _record("vm.lease_spared", fresh, by, address, reason=reason)

    return _changed(vm, work)


def hold_deletions(*, reason: str, by: User, address: str, now: datetime) -> None:
    """An RTP's: for 24 hours leases put nothing into the trash and delete nothing. Audited."""
    _require_rtp(by)
    reason = _reason(reason, "Say why: it stands in the report.")
    _watched("leases.held", by, address, held_until=now + HOLD, held_by=by, held_reason=reason)


def end_hold(*, by: User, address: str) -> None:
    """Undoes it. Audited."""
    _require_rtp(by)
    _watched("leases.hold_ended", by, address, held_until=None, held_by=None, held_reason="")


def release(*, by: User, address: str, now: datetime) -> None:
    """An RTP's: everything that is due and free goes within the next 24 hours, more than LEASE_MOST_ACTS. Audited."""
    _require_rtp(by)
    _watched("leases.released", by, address, released_until=now + HOLD, released_by=by)


def look(now: datetime) -> None:
    """The periodic look: first leases, each look; from LEASE_HOUR on what is due that day. One at a time."""
    with held("leases", 1800) as holder:
        if holder is not None:
            look_once(now)


def look_once(now: datetime) -> None:
    """One look, for whoever holds the job."""
    note_look(now)
    begin_missing(now)
    renewal_links.prune(now)
    leasing.forget_gone(now)
    if timezone.localtime(now).hour < settings.LEASE_HOUR:
        return
    lease_mails.warn(now)
    lease_acts.carry_out(now)
    lease_report.send(now)


def note_look(now: datetime) -> None:
    """Notices a long silence, and a clock that was set: both count as a return."""
    found = watch()
    was = found.looked_at
    if was is None or not -BACK_STEP_S <= (now - was).total_seconds() <= settings.LEASE_AWAY_S:
        found.back_at = now
    found.looked_at = now
    found.save(update_fields=["looked_at", "back_at"])


def begin_missing(now: datetime) -> int:
    """The first lease of what is in a bound pool and has none, such as a machine made in Proxmox; how many."""

    def work(fresh: VirtualMachine) -> None:
        if fresh.lease_until is None:
            leasing.begin(fresh, now)

    without = list(leasing.dated().filter(lease_until=None))
    for vm in without:
        _changed(vm, work)
    return len(without)


def refuse(vm: VirtualMachine) -> None:
    """Raises Refusal where there is no lease to renew."""
    _refuse_absent(vm)
    _refuse_trashed(vm)
    if not is_dated(vm):
        raise Refusal(f"{vm.name} has no lease: it never expires.")


def _refuse_absent(vm: VirtualMachine) -> None:
    if vm.lifecycle != Lifecycle.READY:
        raise Refusal(f"{vm.name} is not there, or not ready yet.")


def _refuse_trashed(vm: VirtualMachine) -> None:
    if vm.trashed_at is not None:
        raise Refusal(f"{vm.name} is in the trash. Restore it first.")


def _require_rtp(by: User) -> None:
    if not is_rtp(by):
        raise PermissionDenied("Only an RTP does this to leases.")


def _reason(reason: str, missing: str) -> str:
    reason = " ".join(reason.split())
    if not reason:
        raise Refusal(missing, "reason")
    if len(reason) > LONGEST_REASON:
        raise Refusal(f"Say it in {LONGEST_REASON} characters.", "reason")
    return reason


def _changed(vm: VirtualMachine, work: Callable[[VirtualMachine], None]) -> VirtualMachine:
    def locked() -> VirtualMachine:
        if vm.pool_id is not None:
            lock_pool(vm.pool_id)
        rows = VirtualMachine.objects.select_for_update(of=("self",), no_key=True).select_related("pool__owner")
        fresh = rows.get(pk=vm.pk)
        work(fresh)
        return fresh

    return decide(locked)


def _watched(verb: str, by: User, address: str, **columns: Any) -> None:
    def work() -> None:
        watch()
        LeaseWatch.objects.filter(pk=1).update(**columns)
        told = {name: str(value) for name, value in columns.items()}
        audit.record(actor=by, verb=verb, target_kind="leases", address=address, changed=told)

    decide(work)


def _record(verb: str, vm: VirtualMachine, by: User, address: str, **detail: Any) -> None:
    until = vm.lease_until.isoformat() if vm.lease_until else ""
    audit.record(
        actor=by, verb=verb, pool=vm.pool, **about(vm), address=address, lease_until=until, **detail,
    )  # fmt: skip
