"""How many quota decisions a second, beside a bare lock-and-update of one row. Run by itself on a database of its own:
`python -m tests.quotas.decisions '{"seconds": 5, "processes": 8}'`. Prints one JSON object of rates by mode and place.

`bare`: lock one row, write it, commit. `decide`: the pool's lock, its limit, use and reservations, the new reservation,
commit. `written`: the same with the operation's and the audit's rows. Brokers are not asked: they are no database.
"""

import json
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import django

django.setup()

from django.db import connections, transaction  # noqa: E402 (models need a set-up Django)

from accounts.models import Pool, User  # noqa: E402
from accounts.roles import PoolKind  # noqa: E402
from quotas.locking import lock_pool  # noqa: E402
from quotas.models import Policy, Reservation  # noqa: E402
from quotas.states import ReservationState  # noqa: E402
from tests.factories import make_vm  # noqa: E402
from vms.models import VirtualMachine  # noqa: E402
from vms.operations import growth, requests, wake  # noqa: E402
from vms.operations.resize import RESIZING  # noqa: E402
from vms.states import Lifecycle, OperationKind, Power  # noqa: E402
from vms.usage import Shape  # noqa: E402

MACHINES_OF_A_POOL = 8
#: A worker settles what is held a moment later; here so often.
SETTLED_EVERY_S = 0.05
SMALL, LARGER = Shape(1, 512, 8), Shape(2, 1024, 8)


@dataclass(frozen=True)
class Asked:
    """`seconds` for each mode in each place."""

    seconds: float
    processes: int


class Counter:
    """One process in one mode on one pool."""

    def __init__(self, person: User, pool_id: int, number: int, spare: list[int]) -> None:
        self.person, self.pool_id, self.number = person, pool_id, number
        self.spare = iter(spare)
        self.turns = count()

    def bare(self) -> None:
        with transaction.atomic():
            pool = Pool.objects.select_for_update(no_key=True).get(pk=self.pool_id)
            Pool.objects.filter(pk=pool.pk).update(name=f"{self.number}-{next(self.turns)}")

    def decide(self) -> None:
        with transaction.atomic():
            growth.hold(lock_pool(self.pool_id), SMALL, LARGER, "resize web-01")

    def written(self) -> None:
        with transaction.atomic():
            pool = lock_pool(self.pool_id)
            vm = VirtualMachine(pk=next(self.spare), name="web-01", pool=pool)
            held = growth.hold(pool, SMALL, LARGER, "resize web-01")
            requests.open_operation(
                vm, pool, OperationKind.RESIZE, RESIZING[OperationKind.RESIZE].steps, by=self.person,
                address="192.0.2.7", key=f"{vm.pk:012}", wish={"cores": 2, "memory_mib": 1024}, reservation=held,
            )  # fmt: skip


def rate(asked: Asked, mode: str, person: User, pool_ids: list[int]) -> float:
    """Turns a second of all processes together."""
    spare = _spare(asked, pool_ids[0]) if mode == "written" else [[]] * asked.processes
    connections.close_all()
    forked = multiprocessing.get_context("fork")  # no thread and no connection is there yet
    start, told = forked.Barrier(asked.processes), forked.Queue()

    def work(number: int) -> None:
        counter = Counter(person, pool_ids[number % len(pool_ids)], number, spare[number])
        try:
            told.put(_turns_a_second(getattr(counter, mode), asked.seconds, lambda: start.wait(60)))
        except Exception as error:  # whoever waits for the rate hears why there is none
            told.put(f"{mode}: {error!r}")

    children = [forked.Process(target=work, args=(number,)) for number in range(asked.processes)]
    for child in children:
        child.start()
    stop = threading.Event()
    settling = threading.Thread(target=_settle, args=(stop,))
    settling.start()
    try:
        rates = [told.get(timeout=120) for _ in children]
    finally:
        stop.set()
        settling.join()
    for child in children:
        child.join()
    assert all(isinstance(each, float) for each in rates), rates
    return float(sum(rates))


def _turns_a_second(turn: Callable[[], None], seconds: float, await_others: Callable[[], object]) -> float:
    """By one process, from when all are ready."""
    turn()
    await_others()
    began, turns = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        turn()
        turns += 1
    return turns / (time.monotonic() - began)


def _settle(stop: threading.Event) -> None:
    while not stop.wait(SETTLED_EVERY_S):
        Reservation.objects.filter(state=ReservationState.HELD).update(state=ReservationState.SETTLED)
    connections.close_all()


def _spare(asked: Asked, pool_id: int) -> list[list[int]]:
    """Machines that do not count, one for each operation: none may have two in flight."""
    each = int(asked.seconds * 400) + 100
    rows = [
        VirtualMachine(pool_id=pool_id, name=f"spare-{n}", lifecycle=Lifecycle.CREATING)
        for n in range(each * asked.processes)
    ]
    made = [vm.pk for vm in VirtualMachine.objects.bulk_create(rows, batch_size=1000)]
    return [made[n * each : (n + 1) * each] for n in range(asked.processes)]


def main(asked: Asked) -> dict[str, dict[str, float]]:
    """Every mode with a pool for each process, then with one for all; in turns, so that all meet the same machine."""
    wake.wake = told
    person = User.objects.create_user("alice")
    Policy.objects.create(name="default", is_default=True, cores=10**8, memory_mib=10**8, disk_gib=10**8)
    pools = [_pool(number) for number in range(asked.processes)]
    return {
        place: {mode: rate(asked, mode, person, pool_ids) for mode in ("bare", "decide", "written")}
        for place, pool_ids in {"different pools": pools, "one pool": pools[:1]}.items()
    }


def told(operation_id: int) -> bool:
    """Instead of the broker."""
    return operation_id > 0


def _pool(number: int) -> int:
    owner = User.objects.create_user(f"member-{number}")
    pool = Pool.objects.create(kind=PoolKind.PERSONAL, name=owner.username, owner=owner, proxmox_poolid=f"p{number}")
    for machine in range(MACHINES_OF_A_POOL):
        make_vm(pool, f"vm-{machine}", power=Power.RUNNING)
    return pool.pk


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Asked(**json.loads(sys.argv[1])))))
