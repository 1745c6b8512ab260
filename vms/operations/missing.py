"""What an RTP does with a machine that Proxmox shows no more: says that it is gone. Nothing else ever does."""

from datetime import datetime

from django.core.exceptions import PermissionDenied

from accounts import audit
from accounts.access import is_rtp
from accounts.models import User
from quotas.locking import lock_pool
from vms.audits import about
from vms.models import MirrorRun, Operation, VirtualMachine
from vms.operations import lifecycle
from vms.operations.database import decide
from vms.operations.errors import Refusal
from vms.states import Lifecycle


def settle_missing(vm: VirtualMachine, by: User, now: datetime, address: str = "") -> None:
    """Marks a missing machine as gone: it frees its quota and keeps its history. Audited.

    Raises PermissionDenied for anybody but an RTP, and Refusal unless it is marked as missing, no operation holds it
    and the newest reading was complete; then nothing was changed.
    """
    if not is_rtp(by):
        raise PermissionDenied

    def work() -> None:
        if vm.pool_id is not None:
            lock_pool(vm.pool_id)
        fresh = VirtualMachine.objects.select_for_update(no_key=True).get(pk=vm.pk)
        if fresh.lifecycle != Lifecycle.READY or fresh.missing_since is None:
            raise Refusal(f"{fresh.name} is not missing.")
        if Operation.objects.blocking().filter(vm=fresh).exists():
            raise Refusal(f"An operation on {fresh.name} is not settled yet.")
        newest = MirrorRun.objects.first()
        if newest is None or not newest.is_complete:
            raise Refusal("The newest reading of the cluster is not complete. Try again when it is.")
        lifecycle.move(fresh, Lifecycle.GONE, gone_at=now)
        audit.record(
            actor=by,
            verb="vm.settled_gone",
            pool=fresh.pool,
            **about(fresh),
            address=address,
            missing_since=fresh.missing_since.isoformat(),
        )

    decide(work)
