"""R-09: workers killed at any line, and every delivery made several times. Nothing is lost, nothing happens twice."""

import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from celery import Celery
from django.utils import timezone

from quotas.footprint import Footprint
from quotas.models import Policy
from quotas.usage import figures
from tests.figures import figure, scaled
from tests.servers import RedisServer
from tests.vms.operations.worker import Worker, environment
from tests.vms.operations.workshop import Workshop
from vms.models import Operation
from vms.operations import Size
from vms.states import OperationKind, OperationState

KILLS = scaled(8, 30)
DELIVERIES = 3
SHORT = {
    "OPERATION_LEASE_S": "3",
    "OPERATION_RECONCILE_QUIET_S": "2",
    "OPERATION_WATCH_S": "1",
    "OPERATION_DROPPED_S": "1",
    "MIRROR_PERIOD_S": "3600",
}
EFFECTS = {
    "start": {"start": 1},
    "iso": {"create": 1, "start": 1},
    "template": {"clone": 1, "configure": 2, "start": 1},
}
LARGER = Size(cores=2, memory_mib=768, disk_gib=2)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
def post() -> Iterator[Celery]:
    """Whoever publishes: the web process and beat, as far as the broker can tell."""
    with RedisServer() as redis:
        app = Celery("sender", broker=redis.url, set_as_current=False)
        yield app
        app.close()


def test_killed_workers_lose_nothing_and_repeat_nothing(shop: Workshop, tmp_path: Path, post: Celery) -> None:
    Policy.objects.create(name="roomy", is_default=True, cores=None, memory_mib=None, disk_gib=None)
    asked: dict[int, str] = {}
    variables = environment(tmp_path, shop.cluster, str(post.conf.broker_url), **SHORT)
    worker = Worker(variables).begin()
    seed = random.randrange(10**6)
    draw = random.Random(seed)
    try:
        with shop.cluster.fault("slow", seconds=0.1, match={"method": "POST"}):
            for n in range(KILLS):
                since = timezone.now()
                fresh = ask_for_three(shop, n)
                asked |= fresh
                deliver(post, fresh)
                wait_for_work(post, since)
                time.sleep(draw.uniform(0, 0.4))  # any moment of the work
                worker = kill(worker, variables, whole=n % 4 == 3)
        beat_until(post, nothing_in_flight, deadline_s=240, pause_s=0.1)
    except BaseException:
        sys.stderr.write(worker.tail(60))
        raise
    finally:
        worker.kill()

    lost, twice = judge(shop, asked)
    figure("R-09", "kills", KILLS, "operations", len(asked), "deliveries each", DELIVERIES,
           "lost", len(lost), "twice", len(twice), "seed", seed)  # fmt: skip
    assert (lost, twice) == ([], [])
    assert figures(shop.cast.alices).held == Footprint()


def ask_for_three(shop: Workshop, n: int) -> dict[int, str]:
    """A creation of each kind and a start.

    The clone is larger than its template: settings that are as wished already need not be sent a second time.
    """
    start = shop.ask(shop.machine(f"old-{n}"), OperationKind.START)
    clone = shop.from_template(f"clone-{n}", size=LARGER)
    return {start.pk: "start", shop.from_iso(f"iso-{n}").pk: "iso", clone.pk: "template"}


def deliver(post: Celery, asked: dict[int, str]) -> None:
    """Every message several times; beat runs twice as well."""
    for pk in asked:
        for _ in range(DELIVERIES):
            post.send_task("vms.tasks.run_operation", args=[pk])
    for _ in range(2):
        post.send_task("vms.tasks.follow_operations")
        post.send_task("vms.tasks.sweep_operations")


def wait_for_work(post: Celery, since: datetime) -> None:
    """Until some worker has something in its hands that nobody killed before left there."""
    at_work = Operation.objects.filter(state=OperationState.CLAIMED, changed_at__gt=since)
    beat_until(post, at_work.exists, deadline_s=40, pause_s=0.01)


def beat_until(post: Celery, happened: Callable[[], bool], *, deadline_s: float, pause_s: float) -> None:
    """Beat goes on, because a message that a killed worker had taken is lost with it."""
    ends, next_beat = time.monotonic() + deadline_s, 0.0
    while not happened():
        now = time.monotonic()
        assert now < ends, "nothing more happens"
        if now >= next_beat:
            post.send_task("vms.tasks.follow_operations")
            post.send_task("vms.tasks.sweep_operations")
            next_beat = now + 1
        time.sleep(pause_s)


def kill(worker: Worker, variables: dict[str, str], *, whole: bool) -> Worker:
    """The children that work, or the whole worker with them."""
    if not whole:
        worker.kill_children()
        return worker
    worker.kill()
    return Worker(variables).begin()


def nothing_in_flight() -> bool:
    return not Operation.objects.in_flight().exists()


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
