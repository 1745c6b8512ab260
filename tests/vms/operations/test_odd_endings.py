"""R-11: tasks that end oddly, or whose end nobody knows. Nothing is stuck, and a warning is no failure."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from pytest_django import Settings

from tests.cast import make_cast
from tests.devcluster.cluster import DevCluster
from tests.figures import figure
from tests.unwatched import nth_try
from tests.vms.operations.acts import Act, named
from tests.vms.operations.workshop import SHORT, Workshop
from vms.models import Operation
from vms.operations import engine, words
from vms.states import OperationState as S

#: Types of tasks and the act that begins one.
TYPES: dict[str, str] = {
    "qmclone": "template", "qmcreate": "iso", "qmstart": "start", "qmshutdown": "shutdown", "qmstop": "stop",
    "qmreboot": "reboot", "qmreset": "reset", "qmpause": "suspend", "qmresume": "resume", "qmdestroy": "delete",
    "resize": "grow_disk", "qmsnapshot": "snapshot", "qmrollback": "roll_back", "qmdelsnapshot": "drop_snapshot",
}  # fmt: skip
STATUS = {"method": "GET", "path_regex": "/tasks/.*/status$"}


@dataclass(frozen=True)
class Ending:
    """`faults` of the stand-in. `is_done`: the work itself was done. `is_told`: the record says how it went."""

    name: str
    faults: Callable[[str], tuple[tuple[str, dict[str, Any]], ...]]
    is_done: bool
    is_told: bool = True


def ends(kind: str, exitstatus: str) -> Callable[[str], tuple[tuple[str, dict[str, Any]], ...]]:
    return lambda task: ((kind, {"type": task, "exitstatus": exitstatus}),)


def gone(*more: str) -> Callable[[str], tuple[tuple[str, dict[str, Any]], ...]]:
    """Its record is not there any more."""
    lost: tuple[str, dict[str, Any]] = ("error500", {"sentence": "no such task", "match": STATUS})
    return lambda task: (lost, *((kind, {"type": task, "exitstatus": "lost"}) for kind in more))


ENDINGS = (
    Ending("OK", lambda task: (), is_done=True),
    Ending("WARNINGS", ends("task_ends", "WARNINGS: 2"), is_done=True),
    Ending("error, nothing done", ends("task_fails", "command 'x' failed: exit code 1"), is_done=False),
    Ending("unexpected, done", ends("task_ends", "unexpected status"), is_done=True, is_told=False),
    Ending("unexpected, not done", ends("task_fails", "unexpected status"), is_done=False, is_told=False),
    Ending("record gone, done", gone(), is_done=True, is_told=False),
    Ending("record gone, not done", gone("task_fails"), is_done=False, is_told=False),
    Ending("interrupted", ends("task_fails", "received interrupt"), is_done=False),
    Ending(
        "never, and nobody answers",
        lambda task: (("task_never_ends", {"type": task}), ("node_down", {"node": "pve1"})),
        is_done=False, is_told=False,
    ),
)  # fmt: skip


@contextmanager
def fresh(cluster: DevCluster) -> Iterator[Workshop]:
    """Everything as at the beginning; the database forgets afterwards."""
    cluster.reset()
    with transaction.atomic():
        yield Workshop(make_cast(), cluster)
        transaction.set_rollback(True)


@pytest.fixture
def place(db: None, devcluster: DevCluster, settings: Settings) -> DevCluster:
    for name, value in {**devcluster.settings(), **SHORT, "OPERATION_WATCH_S": 0.3}.items():
        setattr(settings, name, value)
    return devcluster


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_task_that_ends_oddly_leaves_nothing_stuck(place: DevCluster) -> None:
    stuck: list[object] = []
    false: list[object] = []
    tries = count()
    for task, name in TYPES.items():
        for ending in ENDINGS:
            with nth_try(next(tries)), fresh(place) as shop:
                op, lies = meet(shop, named(name), task, ending)
                stuck += [] if op.is_at_rest else [(task, ending.name, op.state, op.sentence, op.detail)]
                false += [(task, ending.name, op.state, op.sentence, op.detail, lie) for lie in lies]

    figure("R-11", "endings", len(ENDINGS), "task types", len(TYPES), "stuck", len(stuck), "false words", len(false))
    assert not stuck + false, "\n".join(map(str, stuck + false))


def meet(shop: Workshop, act: Act, task: str, ending: Ending) -> tuple[Operation, list[str]]:
    """Asks, lets the task end like that, works until it rests."""
    op = act.ask(shop)
    before = Counter(one["verb"] for one in shop.cluster.effects())
    with ExitStack() as faults:
        waits = "never" in ending.name
        for kind, told in ending.faults(task):
            if kind == "node_down":
                engine.run(op.pk, watch_s=0)
            faults.enter_context(shop.cluster.fault(kind, **told))
        faults.enter_context(override_settings(OPERATION_UNCERTAIN_S=0 if waits else 3600))
        op = shop.work(op)
    if not op.is_at_rest:  # what cannot be read is given to an RTP when the portal has waited for long enough
        with override_settings(OPERATION_UNCERTAIN_S=0):
            op = shop.work(op)
    done = Counter(one["verb"] for one in shop.cluster.effects())
    done.subtract(before)
    return op, lies_of(op, act, task, ending, +done)


def lies_of(op: Operation, act: Act, task: str, ending: Ending, done: Counter[str]) -> list[str]:
    """What the end says against what was done."""
    happened = all(done[verb] >= count for verb, count in act.effects.items())
    lies = []
    if op.state == S.SUCCEEDED and not happened:
        lies.append(f"it says done: {dict(done)}")
    if op.state == S.FAILED and happened:
        lies.append("it says not done, and it was")
    if words.NOTHING in op.sentence and done:
        lies.append(f"it says that nothing was changed: {dict(done)}")
    if ending.name == "WARNINGS" and (op.state != S.SUCCEEDED or words.WARNED not in op.sentence):
        lies.append("a warning is no failure, and is told")
    return lies


@pytest.mark.slow
def test_a_task_nobody_follows_up_is_found(place: DevCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: a portal that waits for a record that is gone is stuck."""
    monkeypatch.setattr(engine, "_task_status", lambda *_: None)
    with fresh(place) as shop:
        op, _lies = meet(shop, named("start"), "qmstart", ENDINGS[5])
    assert not op.is_at_rest
