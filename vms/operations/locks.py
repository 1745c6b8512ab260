"""An RTP locks one machine, with a reason that is shown: nobody starts it and members lose its console."""

from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts import audit
from accounts.access import is_rtp
from accounts.models import User
from quotas.locking import lock_pool
from vms.audits import about
from vms.models import VirtualMachine
from vms.operations.database import decide
from vms.operations.errors import Refusal
from vms.signals import vm_locked
from vms.states import Lifecycle

LONGEST_REASON = VirtualMachine._meta.get_field("lock_reason").max_length or 200
ENDED = {Lifecycle.GONE: "was deleted", Lifecycle.FAILED: "could not be created"}


def lock_machine(vm: VirtualMachine, *, by: User, reason: str, address: str, now: datetime) -> VirtualMachine:
    """From now on nobody starts, resumes, reboots, resets or deletes it; stop and shutdown stay. Audited.

    Decided under the pool's row lock, as every request is: what was asked for before goes on, nothing slips in beside.
    Consoles of members end (vm_locked, on commit). Raises PermissionDenied or Refusal; nothing was written then.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise Refusal("Say why: the reason is shown to its members.", "reason")
    if len(reason) > LONGEST_REASON:
        raise Refusal(f"Say it in {LONGEST_REASON} characters.", "reason")

    def work(fresh: VirtualMachine) -> None:
        if fresh.lifecycle in ENDED:
            raise Refusal(f"{fresh.name} {ENDED[Lifecycle(fresh.lifecycle)]}.")
        if fresh.locked_at is not None:
            raise Refusal(f"{fresh.name} is locked already: {fresh.lock_reason}")
        _write(fresh, now, by, reason)
        _record("vm.locked", fresh, by, address, reason=reason)
        vm_id = fresh.pk
        transaction.on_commit(lambda: vm_locked.send(sender=VirtualMachine, vm_id=vm_id))

    return _changed(vm, by, work)


def unlock_machine(vm: VirtualMachine, *, by: User, address: str) -> VirtualMachine:
    """Undoes the lock. Audited. Raises PermissionDenied or Refusal."""

    def work(fresh: VirtualMachine) -> None:
        if fresh.locked_at is None:
            raise Refusal(f"{fresh.name} is not locked.")
        reason = fresh.lock_reason
        _write(fresh, None, None, "")
        _record("vm.unlocked", fresh, by, address, reason=reason)

    return _changed(vm, by, work)


def _changed(vm: VirtualMachine, by: User, work: Callable[[VirtualMachine], None]) -> VirtualMachine:
    if not is_rtp(by):
        raise PermissionDenied("Only an RTP locks and unlocks a VM.")

    def locked() -> VirtualMachine:
        if vm.pool_id is not None:
            lock_pool(vm.pool_id)
        fresh = VirtualMachine.objects.select_for_update(no_key=True).get(pk=vm.pk)
        work(fresh)
        return fresh

    return decide(locked)


def _write(fresh: VirtualMachine, at: datetime | None, by: User | None, reason: str) -> None:
    fresh.locked_at, fresh.locked_by, fresh.lock_reason = at, by, reason
    fresh.save(update_fields=["locked_at", "locked_by", "lock_reason"])


def _record(verb: str, fresh: VirtualMachine, by: User, address: str, **detail: str) -> None:
    audit.record(
        actor=by,
        verb=verb,
        pool=fresh.pool,
        **about(fresh),
        address=address,
        **detail,
    )
