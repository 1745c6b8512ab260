"""What an operation knows of a machine's pool, for the mirror: it moved it there itself."""

from datetime import datetime

from accounts.models import Pool
from vms.mirror.diff import POOL_READINGS
from vms.models import VirtualMachine


def place(vm: VirtualMachine, pool: Pool, now: datetime) -> None:
    """The machine belongs to `pool` from now on, inside the caller's transaction.

    It counts as seen there, so that one list that is a little behind does not move it back.
    """
    vm.pool, vm.seen_poolid, vm.seen_poolid_readings = pool, pool.proxmox_poolid or "", POOL_READINGS
    vm.last_seen = max(now, vm.last_seen) if vm.last_seen else now
    vm.save(update_fields=["pool", "seen_poolid", "seen_poolid_readings", "last_seen"])
