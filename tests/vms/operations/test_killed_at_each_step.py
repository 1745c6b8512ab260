"""R-04: a worker dies at each line of an operation's way at which something is written or asked.

What a worker knows is in the database and in the cluster, so its death is made where it is noticed: at the next write
(before it, or just after it), or just after a call whose answer it never got to keep. The sweeper does the rest.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from quotas.models import Reservation
from quotas.states import ReservationState
from quotas.usage import figures
from tests.cast import make_cast
from tests.devcluster.cluster import DevCluster
from tests.figures import add_to_figure, scaled
from tests.unwatched import nth_try
from tests.vms.operations.acts import ACTS, GROWING, Act, named
from tests.vms.operations.workshop import SHORT, Workshop
from vms.cluster.client import ProxmoxLine
from vms.models import Operation
from vms.operations import base, follow
from vms.operations.kinds import KINDS
from vms.states import OperationKind, OperationState


class Killed(BaseException):
    """Nothing in the portal may catch it."""


class Reaper:
    """Counts the lines at which something is written or asked; dies at the one named."""

    def __init__(self, at: int = -1) -> None:
        self.at, self.met = at, 0

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """`work`, with death before it or after it."""

        def watched(*told: Any, **named_: Any) -> Any:
            self.pass_by()
            found = work(*told, **named_)
            self.pass_by()
            return found

        return watched

    def pass_by(self) -> None:
        if self.met == self.at:
            self.met += 1
            raise Killed
        self.met += 1


@contextmanager
def watched(reaper: Reaper) -> Iterator[None]:
    """Writes of operations, their ends, and calls that change the cluster."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "_move", reaper.around(base._move))
        patch.setattr(base, "finish", reaper.around(base.finish))
        patch.setattr(ProxmoxLine, "change", reaper.around(ProxmoxLine.change))
        yield


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
@pytest.mark.parametrize("act", GROWING, ids=str)
def test_a_worker_killed_at_any_step_leaves_nothing_held(place: DevCluster, act: Act) -> None:
    boundaries, found = lines_of(place, act), Counter[str]()
    lines = range(0, boundaries, scaled(2, 1) if act.kind == OperationKind.CREATE else 1)
    for number, at in enumerate(lines):
        with nth_try(number), fresh(place) as shop:
            for each, count in die(shop, act, at).items():
                found[each] += count
                assert not count, f"{act} killed at line {at} of {boundaries}: {each}"

    wrong = {each: found[each] for each in ("left", "negative", "differences", "twice", "lost")}
    add_to_figure("R-04", actions=1, boundaries=len(lines), **wrong)
    assert boundaries > 3


def lines_of(place: DevCluster, act: Act) -> int:
    """How many lines an undisturbed operation passes."""
    with fresh(place) as shop:
        op, reaper = act.ask(shop), Reaper()
        with watched(reaper):
            assert shop.work(op).state == OperationState.SUCCEEDED
        return reaper.met


def die(shop: Workshop, act: Act, at: int) -> Counter[str]:
    """Works until the reaper comes, lets the lease end, and sweeps; what is wrong afterwards."""
    op = act.ask(shop)
    before = Counter(one["verb"] for one in shop.cluster.effects())
    with watched(Reaper(at)), pytest.raises(Killed):
        shop.work(op)
    differences = shop.audit()
    follow.sweep(timezone.now() + timedelta(days=1))
    done = Counter(one["verb"] for one in shop.cluster.effects())
    done.subtract(before)
    ended = Operation.objects.get(pk=op.pk)
    pools = [shop.cast.alices, shop.cast.shared]
    sums = [each for pool in pools for each in (figures(pool).held, figures(pool).used)]
    return Counter(
        left=Reservation.objects.filter(state=ReservationState.HELD).count(),
        negative=sum(part < 0 for each in sums for part in vars(each).values()),
        differences=len(differences),
        twice=sum(done[verb] > act.effects.get(verb, 0) for verb in done),
        lost=int(ended.state != OperationState.SUCCEEDED),
    )


@pytest.mark.slow
def test_a_release_that_is_forgotten_is_found(place: DevCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: an end that does not settle its room leaves it held."""
    monkeypatch.setattr("quotas.reservations.settle", lambda reservation_id: True)
    monkeypatch.setattr("quotas.reservations.release_overdue", lambda now, *, in_use: 0)
    with fresh(place) as shop:
        found = die(shop, named("start"), 3)
    assert (found["left"], found["differences"]) == (1, 1)


def test_every_kind_is_an_act() -> None:
    missing = set(KINDS) - {act.kind for act in ACTS}
    assert not missing, f"tests/vms/operations/acts.py does not know how {sorted(missing)} are asked for"
