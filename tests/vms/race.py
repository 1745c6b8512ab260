"""Many clients ask at the same moment, each on a connection of its own, in several processes. Run by itself, so that
it may use another database than the tests': `python -m tests.vms.race '{"clients": 64, "rounds": 7, "processes": 4}'`.

Prints one JSON object: for each action the accepted, the refused and the errors, round by round.
"""

import json
import multiprocessing
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

import django

django.setup()

from django.db import connection, connections  # noqa: E402 (models need a set-up Django)

from accounts.models import Pool  # noqa: E402
from quotas import locking, reservations, usage  # noqa: E402
from quotas.errors import QuotaExceeded  # noqa: E402
from tests.factories import make_iso, make_node  # noqa: E402
from tests.vms.race_actions import RACES, Stage, set_up  # noqa: E402
from vms.models import Operation, Storage, VirtualMachine  # noqa: E402
from vms.operations import requests  # noqa: E402

WAIT_S = 300
local = threading.local()
Met = dict[str, Counter[str]]


@dataclass(frozen=True)
class Asked:
    """`control`: "" as built, "no-lock" without the pool's row lock, "count-outside" with the count read before."""

    clients: int
    rounds: int
    processes: int = 1
    control: str = ""


class Crowd:
    """The clients of one process."""

    def __init__(self, stage: Stage, mine: range, control: str, start: Barrier) -> None:
        self.stage, self.mine, self.control, self.start = stage, mine, control, start
        self.met: Met = {action: Counter() for action in RACES}
        self.slowest_s = 0.0

    def run(self) -> None:
        """All of them through all rounds."""
        threads = [threading.Thread(target=self._client, args=(n,)) for n in self.mine]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _client(self, n: int) -> None:
        for number, (action, pool_id, machines) in enumerate(self.stage.rounds):
            pool = Pool.objects.get(pk=pool_id)
            vm = VirtualMachine.objects.select_related("pool__owner").get(pk=machines[n]) if machines else None
            if self.control:
                local.figures = usage.figures(pool)
            self.start.wait(WAIT_S)
            began = time.monotonic()
            who = {"by": self.stage.person, "address": "192.0.2.7", "key": f"client-{n:04}-{number:06}"}
            try:
                RACES[action].ask(self.stage, vm, pool, **who)
            except QuotaExceeded:
                self.met[action]["refused"] += 1
            except Exception as error:  # every other end is one that a person would see
                self.met[action][f"{type(error).__name__}: {error}"[:200]] += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        connection.close()


def take_away_the_lock() -> None:
    """The control: the pool's row is read, not locked."""

    def unlocked(pool_id: int) -> Pool:
        return Pool.objects.get(pk=pool_id)

    for module in (locking, requests):
        module.lock_pool = unlocked  # type: ignore[attr-defined]


def count_outside() -> None:
    """The control: what is free was read before the transaction began."""
    reservations.figures = lambda pool, rule=None: local.figures  # type: ignore[attr-defined]


CONTROLS: dict[str, Callable[[], None]] = {
    "": lambda: None,
    "no-lock": take_away_the_lock,
    "count-outside": count_outside,
}


def part(stage: Stage, mine: range, control: str, start: Barrier, told: Any) -> None:
    """One process."""
    CONTROLS[control]()
    crowd = Crowd(stage, mine, control, start)
    crowd.run()
    told.put((crowd.met, crowd.slowest_s))


def main(asked: Asked) -> dict[str, Any]:
    """One race of all actions."""
    iso = make_iso(node="", volid="shared:iso/small-linux.iso")
    Storage.objects.create(node=make_node(), name="local-lvm", content="images")
    stage = set_up(asked.clients, asked.rounds, iso)
    connections.close_all()
    forked = multiprocessing.get_context("fork")  # no thread and no connection is there yet
    start, told = forked.Barrier(asked.clients), forked.Queue()
    each = asked.clients // asked.processes
    crowds = [range(n * each, (n + 1) * each) for n in range(asked.processes)]
    children = [forked.Process(target=part, args=(stage, mine, asked.control, start, told)) for mine in crowds]
    for child in children:
        child.start()
    answers = [told.get(timeout=600) for _ in children]
    for child in children:
        child.join()
    return {"actions": _found(asked, stage, answers), "slowest_s": max(slowest for _, slowest in answers)}


def _found(asked: Asked, stage: Stage, answers: list[tuple[Met, float]]) -> dict[str, Any]:
    found = {}
    for action, race in RACES.items():
        pools = [pool_id for name, pool_id, _ in stage.rounds if name == action]
        met: Counter[str] = sum((each[action] for each, _ in answers), Counter())
        found[action] = {
            "fit": race.fitting(asked.clients),
            "accepted": [Operation.objects.filter(pool=pool_id).count() for pool_id in pools],
            "free": [getattr(usage.figures(pool).free, race.limited) for pool in Pool.objects.filter(pk__in=pools)],
            "refused": met.pop("refused", 0),
            "errors": dict(met),
        }
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Asked(**json.loads(sys.argv[1])))))
