"""R-08 for hardware: the answer to each kind of change is lost; it happens once, and the words are true."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from pytest_django import Settings

from tests.cast import make_cast
from tests.devcluster.cluster import DevCluster
from tests.figures import figure, scaled
from tests.unwatched import nth_try
from tests.vms.operations.bench import Bench
from tests.vms.operations.changes import CHANGES, prepare, request, rich
from tests.vms.operations.workshop import SHORT, Workshop
from vms.models import Operation
from vms.operations.networks import AddNic
from vms.states import OperationState

KINDS = ("lose_before", "lose_after", "cut_mid_answer")
GROW = r"PUT /qemu/\d+/resize$"
CALLS = {"grow_disk": (GROW,), "apply": ("POST /status/shutdown$", "POST /status/start$")}
SENT = r"PUT /qemu/\d+/config$"
READ = "GET /pending$"
WANTED = {"grow_disk": {"resize": 1}, "apply": {"shutdown": 1, "start": 1}}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_lost_answer_changes_hardware_once(db: None, devcluster: DevCluster, settings: Settings) -> None:
    for name, value in {**devcluster.settings(), **SHORT}.items():
        setattr(settings, name, value)
    tried, duplicates, lost = 0, [], []
    for kind in CHANGES:
        for call, fault, times in cuts(kind):
            with nth_try(tried), fresh(devcluster) as shop:
                op, done = attempt(shop, kind, call, fault, times)
            tried += 1
            wanted = WANTED.get(kind, {"configure": 1})
            duplicates += [(kind, call, fault, done)] if any(done[each] > 1 for each in done) else []
            is_done = op.state == OperationState.SUCCEEDED and all(done[each] >= 1 for each in wanted)
            lost += [] if is_done else [(kind, call, fault, times, op.state, op.sentence, op.detail)]

    assert tried >= 160
    figure("R-08", "hardware", "faults", tried, "duplicates", len(duplicates), "lost", len(lost))
    assert (duplicates, lost) == ([], [])


def cuts(kind: str) -> Iterator[tuple[str, str, int]]:
    """Every call of a change, cut in every way, up to so many times in a row."""
    often = range(1, scaled(2, 5) + 1)
    for call in CALLS.get(kind, (SENT,)):
        yield from ((call, fault, times) for fault in KINDS for times in often)
    yield from ((READ, fault, 2) for fault in ("lose_before", "cut_mid_answer"))


def attempt(shop: Workshop, kind: str, call: str, fault: str, times: int) -> tuple[Operation, Counter[str]]:
    """Asks with the fault in place and works until it rests; what really happened to machines."""
    bench = rich(shop)
    prepare(bench, kind)
    op = request(bench, kind)
    before = Counter(one["verb"] for one in shop.cluster.effects())
    method, path_regex = call.split(" ")
    with shop.cluster.fault(fault, match={"method": method, "path_regex": path_regex}, times=times):
        op = shop.work(op)
    done = Counter(one["verb"] for one in shop.cluster.effects())
    done.subtract(before)
    return op, done


@contextmanager
def fresh(cluster: DevCluster) -> Iterator[Workshop]:
    """Everything as at the beginning; the database forgets afterwards."""
    cluster.reset()
    with transaction.atomic():
        yield Workshop(make_cast(), cluster)
        transaction.set_rollback(True)


def test_without_looking_a_card_would_be_added_twice(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a portal that does not know its own card by its address adds another one."""
    bench = Bench(shop)
    monkeypatch.setattr(AddNic, "card", lambda *_: None)
    op = bench.ask(CHANGES["add_nic"][0], bridge="vmbr0", digest="")

    with shop.cluster.fault("lose_after", match={"method": "PUT", "path_regex": r"/config$"}, times=1):
        shop.work(op)

    assert len([key for key in bench.config if key.startswith("net")]) > 2
