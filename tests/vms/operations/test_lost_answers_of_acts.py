"""R-08 for what test_lost_answers and test_lost_answers_of_changes leave: copies, snapshots, moves, the trash."""

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
from tests.vms.operations.acts import ACTS, Act, details, matching, named
from tests.vms.operations.changes import CHANGES
from tests.vms.operations.workshop import SHORT, Workshop
from vms.models import Operation
from vms.operations.power import POWER
from vms.operations.snapshot_steps import GoBack
from vms.operations.steps import DidNotHappen
from vms.states import OperationState

ELSEWHERE = {*CHANGES, *map(str, POWER), "template", "iso", "delete"}
HERE = tuple(act for act in ACTS if act.name not in ELSEWHERE)
SENT_KINDS = ("lose_before", "lose_after", "cut_mid_answer")
READ = ("GET /tasks/.*/status$", "GET /pending$", "GET /pools$", "GET /snapshot$", "GET /status/current$")


def cuts(act: Act) -> Iterator[tuple[str, str, int]]:
    """Every call of an act, cut in every way, up to so many times in a row."""
    often = range(1, scaled(3, 8) + 1)
    yield from ((call, kind, times) for call in act.calls for kind in SENT_KINDS for times in often)
    yield from ((call, kind, 2) for call in READ for kind in ("lose_before", "cut_mid_answer"))


@contextmanager
def fresh(cluster: DevCluster) -> Iterator[Workshop]:
    """Everything as at the beginning; the database forgets afterwards."""
    cluster.reset()
    with transaction.atomic():
        yield Workshop(make_cast(), cluster)
        transaction.set_rollback(True)


@pytest.fixture
def place(db: None, devcluster: DevCluster, settings: Settings) -> DevCluster:
    for name, value in {**devcluster.settings(), **SHORT}.items():
        setattr(settings, name, value)
    return devcluster


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_lost_answer_is_found_out_and_happens_once(place: DevCluster) -> None:
    tried, duplicates, lost, differences = 0, [], [], []
    for act in HERE:
        for call, kind, times in cuts(act):
            with nth_try(tried), fresh(place) as shop:
                op, done = attempt(shop, act, call, kind, times)
                differences += [(act.name, call, kind, times, each) for each in shop.audit()]
            tried += 1
            cell = (act.name, call, kind, times, dict(done))
            duplicates += [cell] if any(done[verb] > act.effects.get(verb, 0) for verb in done) else []
            is_done = all(done[verb] >= count for verb, count in act.effects.items())
            lost += [] if is_done and op.state == OperationState.SUCCEEDED else [(*cell, *details(op))]

    figure("R-08", "acts", "faults", tried, "duplicates", len(duplicates), "lost", len(lost),
           "differences", len(differences))  # fmt: skip
    wrong = [*duplicates, *lost, *differences]
    assert not wrong, "\n".join(map(str, wrong))
    assert tried >= scaled(60, 150)


def attempt(shop: Workshop, act: Act, call: str, kind: str, times: int) -> tuple[Operation, Counter[str]]:
    """Asks, with the fault in place works until it rests; what really happened to machines."""
    op = act.ask(shop)
    before = Counter(one["verb"] for one in shop.cluster.effects())
    with shop.cluster.fault(kind, match=matching(call), times=times):
        op = shop.work(op)
    done = Counter(one["verb"] for one in shop.cluster.effects())
    done.subtract(before)
    return op, done


@pytest.mark.slow
def test_without_looking_a_way_back_would_be_gone_twice(place: DevCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    monkeypatch.setattr(GoBack, "look", lambda *_: DidNotHappen(is_safe=True))
    with fresh(place) as shop:
        _op, done = attempt(shop, named("roll_back"), "POST /rollback$", "lose_after", 1)
    assert done["rollback"] == 2
