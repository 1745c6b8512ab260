"""Shared pools: who decides, the last manager, and rights that end with a role."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from accounts.access import role_in
from accounts.models import AuditEvent, PoolMembership, User
from accounts.roles import Role
from accounts.shared_pools import PoolRefused, candidates, make_shared, set_role, take_out
from accounts.signals import membership_removed
from tests.cast import Cast


def test_an_rtp_makes_a_pool_and_hands_it_to_its_manager(cast: Cast) -> None:
    pool = make_shared("robotics", manager=cast.bob, by=cast.rita)

    assert (role_in(pool, cast.bob), pool.proxmox_poolid) == (Role.MANAGER, None)
    assert AuditEvent.objects.filter(pool=pool, actor=cast.rita).count() == 2


@pytest.mark.parametrize("name", ["", "x", "-odd", "a b", "ctf", "CTF", "a" * 41, "<b>"])
def test_a_taken_or_odd_name_makes_nothing(cast: Cast, name: str) -> None:
    with pytest.raises(PoolRefused):
        make_shared(name, manager=None, by=cast.rita)


def test_only_managers_and_rtps_decide_who_is_in(cast: Cast) -> None:
    for stranger in (cast.bob, cast.carol):
        with pytest.raises(PermissionDenied):
            set_role(cast.shared, cast.bob, Role.MANAGER, by=stranger)
        with pytest.raises(PermissionDenied):
            take_out(cast.shared, cast.alice, by=stranger)

    assert set_role(cast.shared, cast.bob, Role.VIEWER, by=cast.alice).role == Role.VIEWER


def test_the_last_manager_stays_unless_an_rtp_says_otherwise(cast: Cast) -> None:
    for leave in (lambda: take_out(cast.shared, cast.alice, by=cast.alice),
                  lambda: set_role(cast.shared, cast.alice, Role.VIEWER, by=cast.alice)):  # fmt: skip
        with pytest.raises(PoolRefused, match="last manager"):
            leave()

    assert take_out(cast.shared, cast.alice, by=cast.rita)


def test_everybody_may_leave_by_themselves(cast: Cast) -> None:
    assert take_out(cast.shared, cast.carol, by=cast.carol)
    assert role_in(cast.shared, cast.carol) is None


def test_a_personal_pool_has_nobody_else(cast: Cast) -> None:
    with pytest.raises(PoolRefused):
        set_role(cast.alices, cast.bob, Role.VIEWER, by=cast.alice)


def test_who_left_the_house_is_neither_found_nor_taken_in(cast: Cast) -> None:
    assert list(candidates(cast.shared, "bo")) == [cast.bob]
    User.objects.filter(pk=cast.bob.pk).update(departed_at=timezone.now())
    cast.bob.refresh_from_db()

    assert not candidates(cast.shared, "bo")
    with pytest.raises(PoolRefused):
        set_role(cast.shared, cast.bob, Role.VIEWER, by=cast.alice)


def test_a_lower_role_is_told_so_that_consoles_look(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    told: list[int] = []

    def hear(sender: object, *, user_id: int, **_: object) -> None:
        told.append(user_id)

    membership_removed.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        set_role(cast.shared, cast.carol, Role.VIEWER, by=cast.alice)
    membership_removed.disconnect(hear)

    assert told == [cast.carol.pk]
    assert PoolMembership.objects.get(user=cast.carol).role == Role.VIEWER
    assert not connection.needs_rollback
