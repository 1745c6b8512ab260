"""The daily look and its worker against a member who saves the machine, one statement of the database at a time.

The look's thread stops before its n-th statement; then the member's request runs until it has ended or waits for a
lock; then the look goes on. Run by itself, so that it may use PostgreSQL: `python -m tests.vms.leases.race '{...}'`.
Prints one JSON object: for each act how many were tried, how many members were let in, and how many lost all the same.
"""

import itertools
import json
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 (models need a set-up Django)
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import AuditEvent, Pool  # noqa: E402
from tests.cast import person, personal_pool  # noqa: E402
from tests.devcluster.cluster import DevCluster  # noqa: E402
from tests.factories import make_reading, make_vm  # noqa: E402
from tests.sign_in import sign_in  # noqa: E402
from tests.vms.operations.workshop import SHORT  # noqa: E402
from vms import lease_acts, lease_guards, leases  # noqa: E402
from vms.models import Operation, VirtualMachine  # noqa: E402
from vms.operations import base, engine, trash  # noqa: E402
from vms.states import OperationKind  # noqa: E402

#: How long a thread is waited for that may stand before a lock which the waiting one holds.
BLOCKED_S = 0.3
WORKERS = 3
local = threading.local()
numbers = itertools.count(1)


@dataclass(frozen=True)
class Asked:
    """`step`: every so many statements of the look. `control`: "" as built, "no-lock", "no-recheck"."""

    ready: str
    step: int = 1
    control: str = ""


@dataclass
class Pair:
    """One machine whose time is over, and the two who decide about it."""

    act: str
    at: int
    client: Client
    pool: Pool
    pve: DevCluster
    go: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    statements: int = 0
    saved_at: float = 0.0
    checked_at: float = 0.0

    def run(self) -> "Pair":
        """Both, to their ends."""
        self.vm = machine(self.pve, self.pool, self.act)
        member = threading.Thread(target=self.member)
        member.start()
        self.look()
        self.go.set()
        member.join()
        work(self.vm)
        connection.close()
        return self

    def look(self) -> None:
        """What is due is done, and a worker sees to it."""
        now = timezone.now()
        local.pair = self
        with connection.execute_wrapper(self.count):
            act = lease_acts.act_of(VirtualMachine.objects.select_related("pool__owner").get(pk=self.vm.pk), now)
            if act is not None and lease_acts.do(act, now):
                work(self.vm)
        local.pair = None

    def count(self, execute: Callable[..., Any], *statement: Any) -> Any:
        """Lets the member in before the statement whose turn it is."""
        self.statements += 1
        if self.statements == self.at:
            self.go.set()
            self.done.wait(BLOCKED_S)
        return execute(*statement)

    def member(self) -> None:
        """Renews, or takes it out of the trash, as a page does."""
        self.go.wait()
        if self.act == "purge":
            asked = {"key": uuid.uuid4().hex, "confirm": "yes"}
            self.client.post(f"/vms/{self.vm.pk}/actions/restore/", asked)
        else:
            self.client.post(f"/vms/{self.vm.pk}/renew/")
        self.saved_at = time.monotonic()
        self.done.set()
        connection.close()

    @property
    def is_let_in(self) -> bool:
        """Whether the member was told that it is saved."""
        if self.act == "purge":
            return Operation.objects.filter(vm=self.vm, kind=OperationKind.RESTORE).exists()
        return AuditEvent.objects.filter(verb="vm.renewed", target_id=str(self.vm.pk)).exists()

    @property
    def is_taken(self) -> bool:
        """In the trash, or deleted."""
        vm = VirtualMachine.objects.get(pk=self.vm.pk)
        return vm.trashed_at is not None if self.act == "trash" else vm.lifecycle == "gone"

    @property
    def is_lost(self) -> bool:
        """The machine is in the trash or deleted, or it was shut down by a look that began its check afterwards."""
        if self.act != "stop":
            return self.is_taken
        went_off = Operation.objects.filter(vm=self.vm, kind=OperationKind.SHUTDOWN, state="succeeded").exists()
        return went_off and self.saved_at < self.checked_at


def machine(pve: DevCluster, pool: Pool, act: str) -> VirtualMachine:
    """One whose lease, or whose time in the trash, has ended."""
    now, status = timezone.now(), "running" if act == "stop" else "stopped"
    number = next(numbers)
    name = f"late-{number}"
    guest = pve.guest(vmid=1000 + number, name=name, pool=pool.proxmox_poolid, status=status, disk_gib=1, node="pve1")
    ended = {"stop": timedelta(hours=2), "trash": timedelta(days=8), "purge": timedelta(days=20)}[act]
    columns: dict[str, Any] = {"lease_until": now - ended}
    if act == "purge":
        columns |= {"trashed_at": now - timedelta(days=8), "trash_until": now - timedelta(hours=1)}
    known = {"vmid": guest["vmid"], "node": guest["node"], "smbios_uuid": guest["uuid"], "power": status}
    return make_vm(pool, name, **known, **columns)


def work(vm: VirtualMachine) -> None:
    """A worker takes what is under way to its end."""
    for _ in range(50):
        op = Operation.objects.in_flight().filter(vm=vm).first()
        if op is None:
            return
        engine.run(op.pk)


def prepare(control: str) -> None:
    """The guards that are not about the member are open; the check tells when it begins."""
    for name, value in SHORT.items():
        setattr(settings, name, value)
    lease_guards.of_everything = lambda now: ""
    lease_guards.of_warnings = lambda vm: ""
    allowed = engine.still_allowed  # type: ignore[attr-defined]

    def check(op: Operation) -> bool:
        if getattr(local, "pair", None) is not None:
            local.pair.checked_at = time.monotonic()
        return True if control == "no-recheck" else bool(allowed(op))

    engine.still_allowed = trash.still_allowed = check  # type: ignore[attr-defined]
    if control == "no-lock":
        leases._changed = unlocked  # type: ignore[assignment]
        base.lock_pools = lambda *ids: []  # type: ignore[attr-defined]


def unlocked(vm: VirtualMachine, change: Callable[[VirtualMachine], None]) -> VirtualMachine:
    """A renewal that looks at the machine without keeping others from it."""
    with transaction.atomic():
        fresh = VirtualMachine.objects.select_related("pool__owner").get(pk=vm.pk)
        change(fresh)
    return fresh


@contextmanager
def people(pve: DevCluster) -> Iterator[list[tuple[Client, Pool]]]:
    """One for each worker, so that only the two of a pair wait for each other."""
    found = []
    for n in range(WORKERS):
        user = person(f"late{n}")
        pool = personal_pool(user)
        pve.control("POST", "/pools", {"poolid": pool.proxmox_poolid})
        found.append((sign_in(Client(), user), pool))
    yield found


def main(asked: Asked) -> dict[str, Any]:
    """Each act, with the member let in before each statement of the look, and after its last."""
    prepare(asked.control)
    make_reading()
    pve = DevCluster(None, Path(), json.loads(Path(asked.ready).read_text(encoding="utf-8")))  # type: ignore[arg-type]
    found: dict[str, Any] = {}
    with people(pve) as members, ThreadPoolExecutor(WORKERS) as threads:
        for act in ("stop", "trash", "purge"):
            alone = threads.submit(Pair(act, 0, *members[0], pve).run).result()
            turns = range(1, alone.statements + 2, asked.step)
            queues = [[Pair(act, at, *members[n], pve) for at in turns[n::WORKERS]] for n in range(WORKERS)]
            pairs = [
                pair for each in threads.map(lambda queue: [pair.run() for pair in queue], queues) for pair in each
            ]
            found[act] = told(alone, pairs)
    return found


def run_all(queue: list[Pair]) -> list[Pair]:
    """One after the other."""
    return [pair.run() for pair in queue]


def told(alone: Pair, pairs: list[Pair]) -> dict[str, int]:
    """In numbers. `neither`: the member was refused, and yet the machine is where it was. `goes`: 1 where the act is
    carried out when nobody is there."""
    counted = Counter("let in" for pair in pairs if pair.is_let_in)
    lost = sum(pair.is_let_in and pair.is_lost for pair in pairs)
    neither = sum(not pair.is_let_in and not pair.is_taken for pair in pairs)
    goes = Operation.objects.filter(vm=alone.vm, state="succeeded").exists()
    return {"tried": len(pairs), "let_in": counted["let in"], "lost": lost, "neither": neither, "goes": int(goes)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Asked(**json.loads(sys.argv[1])))))
