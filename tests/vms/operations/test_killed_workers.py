"""R-09: workers killed at any line, and every delivery made several times. Nothing is lost, nothing happens twice."""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from quotas.footprint import Footprint
from quotas.models import Policy
from quotas.usage import figures
from tests.figures import figure, scaled
from tests.vms.operations.worker import Worker, environment, sender
from tests.vms.operations.workshop import Workshop
from vms.models import Operation
from vms.states import OperationKind, OperationState

KILLS = scaled(8, 30)
DELIVERIES = 3
SHORT = {
    "OPERATION_LEASE_S": "3",
    "OPERATION_RECONCILE_QUIET_S": "2",
    "OPERATION_WATCH_S": "1",
    "MIRROR_PERIOD_S": "3600",
}
EFFECTS = {
    "start": {"start": 1},
    "iso": {"create": 1, "start": 1},
    "template": {"clone": 1, "configure": 2, "start": 1},
}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Celery]:
    app = sender(tmp_path)
    yield app
    app.close()


def test_killed_workers_lose_nothing_and_repeat_nothing(shop: Workshop, tmp_path: Path, post: Celery) -> None:
    Policy.objects.create(name="roomy", cores=None, memory_mib=None, disk_gib=None)
    asked: dict[int, str] = {}
    worker = Worker(environment(tmp_path, shop.cluster, **SHORT)).begin()
    seed = random.randrange(10**6)
    draw = random.Random(seed)
    try:
        with shop.cluster.fault("slow", seconds=0.1, match={"method": "POST"}):
            for n in range(KILLS):
                fresh = ask_for_three(shop, n)
                asked |= fresh
                deliver(post, fresh)
                wait_for_work()
                time.sleep(draw.uniform(0, 0.3))  # any moment of the work
                worker = kill(worker, tmp_path, shop, whole=n % 4 == 3)
        attend(post, deadline_s=120)
    finally:
        worker.kill()

    lost, twice = judge(shop, asked)
    figure("R-09", "kills", KILLS, "operations", len(asked), "deliveries each", DELIVERIES,
           "lost", len(lost), "twice", len(twice), "seed", seed)  # fmt: skip
    assert (lost, twice) == ([], [])
    assert figures(shop.cast.alices).held == Footprint()


def ask_for_three(shop: Workshop, n: int) -> dict[int, str]:
    """A creation of each kind and a start."""
    start = shop.ask(shop.machine(f"old-{n}"), OperationKind.START)
    return {start.pk: "start", shop.from_iso(f"iso-{n}").pk: "iso", shop.from_template(f"clone-{n}").pk: "template"}


def deliver(post: Celery, asked: dict[int, str]) -> None:
    """Every message several times; beat runs twice as well."""
    for pk in asked:
        for _ in range(DELIVERIES):
            post.send_task("vms.tasks.run_operation", args=[pk])
    for _ in range(2):
        post.send_task("vms.tasks.follow_operations")
        post.send_task("vms.tasks.sweep_operations")


def wait_for_work(deadline_s: float = 30) -> None:
    """Until some worker has something in its hands."""
    ends = time.monotonic() + deadline_s
    while not Operation.objects.filter(state=OperationState.CLAIMED).exists():
        if time.monotonic() > ends or not Operation.objects.in_flight().exists():
            return
        time.sleep(0.005)


def kill(worker: Worker, folder: Path, shop: Workshop, *, whole: bool) -> Worker:
    """The children that work, or the whole worker with them."""
    if not whole:
        worker.kill_children()
        return worker
    worker.kill()
    return Worker(environment(folder, shop.cluster, **SHORT)).begin()


def attend(post: Celery, *, deadline_s: float) -> None:
    """Beat goes on until everything rests."""
    ends = time.monotonic() + deadline_s
    while Operation.objects.in_flight().exists() and time.monotonic() < ends:
        post.send_task("vms.tasks.follow_operations")
        post.send_task("vms.tasks.sweep_operations")
        time.sleep(1)


def judge(shop: Workshop, asked: dict[int, str]) -> tuple[list[object], list[object]]:
    """What was lost and what happened twice, by what the cluster says."""
    done: dict[int, Counter[str]] = defaultdict(Counter)
    for effect in shop.cluster.effects():
        done[effect["vmid"]][effect["verb"]] += 1
    lost: list[object] = []
    twice: list[object] = []
    for op in Operation.objects.select_related("vm").filter(pk__in=asked):
        found, wanted = done[op.vm.vmid or 0], EFFECTS[asked[op.pk]]
        if op.state != OperationState.SUCCEEDED or any(found[verb] < count for verb, count in wanted.items()):
            lost.append((asked[op.pk], op.state, op.sentence, op.detail, dict(found)))
        if any(count > wanted.get(verb, 0) for verb, count in found.items()):
            twice.append((asked[op.pk], op.state, dict(found)))
    if len(shop.made()) != len(asked):
        twice.append(f"{len(shop.made())} machines for {len(asked)} operations")
    return lost, twice
