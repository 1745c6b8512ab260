"""Many clients ask for a machine at the same moment, each on a connection of its own. Run as a process of its own,
so that it may use another database than the tests': `python -m tests.vms.race '{"clients": 64, "rounds": 40}'`.

Prints one JSON object: accepted per round, and how often each refusal or error was met.
"""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402 (models need a set-up Django)
from django.db import connection  # noqa: E402

from accounts.models import Pool, PoolMembership, User  # noqa: E402
from accounts.roles import PoolKind, Role  # noqa: E402
from quotas import locking, reservations, usage  # noqa: E402
from quotas.models import Policy  # noqa: E402
from tests.factories import make_iso, make_node  # noqa: E402
from vms.models import Operation, Storage  # noqa: E402
from vms.operations import FromIso, Size, request_create, requests  # noqa: E402

ROOM = 4
local = threading.local()


@dataclass
class Race:
    """`control`: "" as built, "no-lock" without the pool's row lock, "count-outside" with the count read before."""

    clients: int
    rounds: int
    control: str = ""
    met: Counter[str] = field(default_factory=Counter)
    accepted: list[int] = field(default_factory=list)
    slowest_s: float = 0.0

    def run(self) -> None:
        """All rounds, each in a pool of its own with room for four."""
        call_command("migrate", verbosity=0)
        self.person = User.objects.create_user("alice")
        self.iso = make_iso(node="", volid="shared:iso/small-linux.iso")
        Storage.objects.create(node=make_node(), name="local-lvm", content="images")
        Policy.objects.create(name="race", is_default=True, cores=ROOM, memory_mib=None, disk_gib=None)
        self.pools = [self._pool(n) for n in range(self.rounds)]
        self.start, self.end = threading.Barrier(self.clients), threading.Barrier(self.clients)
        threads = [threading.Thread(target=self._client, args=(n,)) for n in range(self.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.accepted = [Operation.objects.filter(pool=pool).count() for pool in self.pools]

    def _pool(self, n: int) -> Pool:
        pool = Pool.objects.create(kind=PoolKind.SHARED, name=f"round-{n}", proxmox_poolid=f"round-{n}")
        PoolMembership.objects.create(pool=pool, user=self.person, role=Role.MANAGER)
        return pool

    def _client(self, n: int) -> None:
        for pool in self.pools:
            if self.control:
                local.figures = usage.figures(pool)
            self.start.wait()
            began = time.monotonic()
            try:
                self._ask(n, pool)
            except Exception as error:  # every kind of end is counted
                self.met[type(error).__name__] += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.end.wait()
        connection.close()

    def _ask(self, n: int, pool: Pool) -> None:
        request_create(
            pool=pool, by=self.person, address="192.0.2.7", key=f"client-{n:04}-{pool.pk:06}", name=f"vm-{n}",
            size=Size(1, 512, 1), source=FromIso(self.iso.pk),
        )  # fmt: skip


def take_away_the_lock() -> None:
    """The control: the pool's row is read, not locked."""

    def unlocked(pool_id: int) -> Pool:
        return Pool.objects.get(pk=pool_id)

    for module in (locking, reservations, requests):
        module.lock_pool = unlocked  # type: ignore[attr-defined]


def count_outside() -> None:
    """The control: what is free was read before the transaction began."""
    reservations.figures = lambda pool: local.figures  # type: ignore[attr-defined]


CONTROLS: dict[str, Callable[[], None]] = {
    "": lambda: None,
    "no-lock": take_away_the_lock,
    "count-outside": count_outside,
}


def main(asked: dict[str, Any]) -> None:
    """One race."""
    race = Race(**asked)
    CONTROLS[race.control]()
    race.run()
    sys.stdout.write(json.dumps({"accepted": race.accepted, "met": race.met, "slowest_s": race.slowest_s}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
