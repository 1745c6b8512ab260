"""Pools: made at first need, never by a name alone."""

import pytest
from django.db import IntegrityError, transaction

from accounts import access, pools
from accounts.models import AuditEvent, Pool
from accounts.roles import PoolKind, Role
from accounts.signals import membership_removed
from tests.cast import Cast, person


def test_a_personal_pool_is_made_once(cast: Cast) -> None:
    dave = person("dave")

    first, second = pools.personal_pool_for(dave), pools.personal_pool_for(dave)

    assert first == second
    assert Pool.objects.filter(owner=dave).count() == 1
    assert AuditEvent.objects.filter(verb="pool.made", actor=dave).count() == 1


def test_a_taken_name_gets_a_suffix_and_no_right(cast: Cast) -> None:
    ctf = person("ctf")

    mine = pools.personal_pool_for(ctf)

    assert mine.name == "ctf-2"
    assert mine.proxmox_poolid is None
    assert access.role_in(cast.shared, ctf) is None


def test_a_new_pool_is_bound_to_nothing(cast: Cast) -> None:
    assert pools.personal_pool_for(person("dave")).proxmox_poolid is None


def test_roles_are_what_the_rows_say(cast: Cast) -> None:
    people = (cast.alice, cast.bob, cast.carol, cast.rita)

    assert [access.role_in(cast.shared, who) for who in people] == [Role.MANAGER, None, Role.OPERATOR, None]
    assert [access.role_in(cast.alices, who) for who in people] == [Role.MANAGER, None, None, None]


def test_an_inactive_person_has_no_role(cast: Cast) -> None:
    cast.alice.is_active = False

    assert access.role_in(cast.alices, cast.alice) is None


def test_removing_a_member_says_so_after_commit(cast: Cast, django_capture_on_commit_callbacks: object) -> None:
    heard: list[tuple[int, int]] = []

    def listen(user_id: int, pool_id: int, **_: object) -> None:
        heard.append((user_id, pool_id))

    membership_removed.connect(listen)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        assert pools.remove_member(cast.shared, cast.carol, by=cast.alice)

    assert heard == [(cast.carol.pk, cast.shared.pk)]
    assert access.role_in(cast.shared, cast.carol) is None


@pytest.mark.parametrize("kind", list(PoolKind))
def test_the_database_refuses_an_owner_that_does_not_fit(cast: Cast, kind: PoolKind) -> None:
    owner = None if kind == PoolKind.PERSONAL else person("dave")

    with pytest.raises(IntegrityError), transaction.atomic():
        Pool.objects.create(kind=kind, name="odd", owner=owner)
