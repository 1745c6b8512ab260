"""R-07: a member is taken out of the pool at each step boundary of each action; after that the action does nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import Pool, PoolMembership
from accounts.roles import PoolKind, Role
from accounts.shared_pools import take_out
from tests.devcluster.cluster import DevCluster
from tests.figures import add_to_figure
from tests.vms.operations.acts import ACTS, Act
from tests.vms.operations.test_killed_at_each_step import fresh
from tests.vms.operations.workshop import SHORT, Workshop
from vms.cluster.client import ProxmoxLine
from vms.models import Operation
from vms.operations import engine, trash
from vms.states import OperationKind, OperationState


@dataclass
class Removal:
    """Takes alice out of `pool` before step number `at` is sent; counts what is sent after that."""

    shop: Workshop
    pool: Pool
    at: int
    sent: list[str] = field(default_factory=list)
    boundaries: int = 0
    is_out: bool = False

    def step(self, send: Any) -> Any:
        """The walk's own way to send a step, with the removal before it."""

        def watched(*told: Any) -> Any:
            if self.boundaries == self.at:
                self.is_out = take_out(self.pool, self.shop.cast.alice, by=self.shop.cast.rita)
            self.boundaries += 1
            return send(*told)

        return watched

    def change(self, call: Any) -> Any:
        """Every call that changes the cluster."""

        def counted(line: Any, method: str, *parts: Any, **options: Any) -> Any:
            if self.is_out:
                self.sent.append(f"{method} {'/'.join(str(part) for part in parts)}")
            return call(line, method, *parts, **options)

        return counted


@contextmanager
def watching(removal: Removal, *, guarded: bool) -> Iterator[None]:
    """The removal at work; without the guard nobody reads the right again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.Walk, "_send", removal.step(engine.Walk._send))
        patch.setattr(ProxmoxLine, "change", removal.change(ProxmoxLine.change))
        if not guarded:
            for reader in (engine, trash):
                patch.setattr(reader, "still_allowed", lambda op: True)
        yield


def remove_at(place: DevCluster, act: Act, at: int, *, whose: str = "alices", guarded: bool = True) -> tuple[int, int]:
    """(boundaries met, effects after the removal) of one operation; an end that says it was done is an effect, too."""
    with fresh(place) as shop:
        shared_by_alice(shop)
        op = act.ask(shop)
        removal = Removal(shop, getattr(shop.cast, whose), at)
        with watching(removal, guarded=guarded):
            done = shop.work(op)
        assert removal.is_out, f"{act} met {removal.boundaries} boundaries"
        if guarded:
            assert "no longer has the right to do that" in done.sentence, done.sentence
        return removal.boundaries, len(removal.sent) + (done.state == OperationState.SUCCEEDED)


def shared_by_alice(shop: Workshop) -> None:
    """Alice's machines are in a shared pool that she manages, so that she can be taken out of it."""
    Pool.objects.filter(pk=shop.cast.alices.pk).update(kind=PoolKind.SHARED, owner=None)
    shop.cast.alices.refresh_from_db()
    PoolMembership.objects.create(pool=shop.cast.alices, user=shop.cast.alice, role=Role.MANAGER)


@pytest.fixture
def place(db: None, devcluster: DevCluster, settings: Settings) -> DevCluster:
    for name, value in {**devcluster.settings(), **SHORT}.items():
        setattr(settings, name, value)
    return devcluster


@pytest.mark.parametrize("act", ACTS, ids=str)
def test_who_was_taken_out_at_any_boundary_changes_nothing_more(place: DevCluster, act: Act) -> None:
    boundaries, unguarded = remove_at(place, act, 0, guarded=False)
    effects = [remove_at(place, act, at)[1] for at in range(boundaries)]

    add_to_figure(
        "R-07", boundaries=boundaries, **{"effects after the removal": sum(effects), "without the guard": unguarded}
    )
    assert (boundaries > 0, sum(effects), unguarded > 0) == (True, 0, True)


def test_the_receiver_of_a_move_is_read_again_as_well(place: DevCluster) -> None:
    act = next(act for act in ACTS if act.kind == OperationKind.MOVE)
    boundaries, unguarded = remove_at(place, act, 0, whose="shared", guarded=False)
    effects = [remove_at(place, act, at, whose="shared")[1] for at in range(boundaries)]

    assert (sum(effects), unguarded > 0) == (0, True)
    assert not Operation.objects.exists()
