"""Which rule a limit comes from: an allowance, else the best of the groups, else the default."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import DirectoryGroup, DirectoryMembership, Pool, User
from quotas.errors import UNLIMITED
from quotas.footprint import Footprint
from quotas.limits import limit_of, limit_of_member, limits_of
from quotas.models import Allowance, Policy
from tests.cast import Cast

TODAY = date(2026, 11, 24)


def policy_of(name: str, *people: User, **numbers: Any) -> Policy:
    """A policy for a group with these people in it."""
    group = DirectoryGroup.objects.create(name=name, seen_at=timezone.now())
    for person in people:
        DirectoryMembership.objects.create(user=person, group=group)
    policy = Policy.objects.create(name=name, **numbers)
    policy.groups.add(group)
    return policy


def test_without_any_rule_the_settings_hold(cast: Cast) -> None:
    found = limit_of(cast.alices)

    assert found.footprint == Footprint(cores=8, memory_mib=8192, disk_gib=250, vms=UNLIMITED)
    assert found.sources["cores"].sentence == "the default"


def test_of_several_groups_the_best_holds_for_each_number(cast: Cast) -> None:
    Policy.objects.create(name="default", is_default=True, cores=20, memory_mib=20_480)
    policy_of("seniors", cast.alice, cores=12, memory_mib=4096)
    policy_of("builders", cast.alice, cores=4, memory_mib=16_384)

    found = limit_of(cast.alices)

    assert (found.footprint.cores, found.footprint.memory_mib) == (12, 16_384)
    assert found.sources["cores"].sentence == "the policy seniors"
    assert found.sources["memory_mib"].sentence == "the policy builders"


def test_a_group_gives_nothing_to_others_and_nothing_to_shared_pools(cast: Cast) -> None:
    policy_of("seniors", cast.alice, cores=12)

    assert limit_of(cast.bobs).footprint.cores == 8
    assert limit_of(cast.shared).footprint.cores == 8


def test_a_shared_pool_has_its_own_policy(cast: Cast) -> None:
    Policy.objects.create(name="contests", cores=30).pools.add(cast.shared)

    assert limit_of(cast.shared).footprint.cores == 30
    assert limit_of(cast.alices).footprint.cores == 8


@pytest.mark.parametrize(("until", "cores"), [(TODAY, 16), (TODAY - timedelta(days=1), 8), (None, 16)])
def test_an_allowance_holds_until_its_last_day_for_the_numbers_it_names(
    cast: Cast, until: date | None, cores: int
) -> None:
    Allowance.objects.create(pool=cast.alices, cores=16, until=until, reason="A contest.")

    found = limit_of(cast.alices, TODAY)

    assert (found.footprint.cores, found.footprint.memory_mib) == (cores, 8192)


def test_the_newest_allowance_wins_and_one_that_was_ended_does_not_count(cast: Cast) -> None:
    for cores, ended_at in ((16, None), (12, None), (64, timezone.now())):
        Allowance.objects.create(pool=cast.alices, cores=cores, reason="More.", ended_at=ended_at)

    assert limit_of(cast.alices).footprint.cores == 12


def test_an_rtp_has_no_limit_while_being_one(cast: Cast) -> None:
    assert limit_of_member(cast.rita).footprint.cores == UNLIMITED

    cast.rita.departed_at = timezone.now()

    assert limit_of_member(cast.rita).footprint.cores == 8


def test_always_counts_only_where_no_policy_of_the_person_says_otherwise(cast: Cast) -> None:
    policy_of("strict", cast.alice, cores=8, counts_always=True)
    assert limit_of(cast.alices).counts_always

    policy_of("kind", cast.alice, cores=8)

    assert not limit_of(cast.alices).counts_always


def test_many_limits_are_the_single_ones_with_a_fixed_number_of_queries(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Policy.objects.create(name="default", is_default=True, cores=6)
    policy_of("seniors", cast.alice, cores=12, counts_always=True)
    Policy.objects.create(name="contests", cores=30).pools.add(cast.shared)
    Allowance.objects.create(pool=cast.bobs, cores=16, reason="More.")
    pools = [*Pool.objects.select_related("owner")]

    with django_assert_num_queries(5):
        found = limits_of(pools)

    assert found == {pool.pk: limit_of(pool) for pool in pools}
