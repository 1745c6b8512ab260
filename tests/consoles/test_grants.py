"""A grant opens one console once, for one session of one person and one machine."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from consoles import grants
from consoles.authority import settle
from consoles.models import ConsoleGrant
from tests.cast import Cast, make_cast
from tests.consoles.browser import Browser, Refused, headers
from tests.consoles.conftest import House
from tests.consoles.portal import cookie_of
from tests.factories import make_vm
from tests.figures import figure, scaled
from vms.models import VirtualMachine
from vms.states import Lifecycle

AT_ONCE = 64


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def vm(cast: Cast) -> VirtualMachine:
    return make_vm(cast.alices, "web-01")


def test_a_grant_is_256_random_bits_and_only_its_hash_is_kept(cast: Cast, vm: VirtualMachine) -> None:
    tokens = {grants.issue(cast.alice, "a-session", vm, address="", now=timezone.now()) for _ in range(20)}

    assert (len(tokens), {len(token) for token in tokens}) == (20, {43})
    kept = str(list(ConsoleGrant.objects.values_list()))
    assert not [secret for secret in (*tokens, "a-session") if secret in kept]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda cast, known: known | {"user_id": cast.bob.pk},
        lambda cast, known: known | {"session_key": "another"},
        lambda cast, known: known | {"vm_id": known["vm_id"] + 1},
        lambda cast, known: known | {"token": known["token"][:-1] + "A" if known["token"][-1] != "A" else "B"},
        lambda cast, known: known | {"token": ""},
        lambda cast, known: known | {"now": known["now"] + timedelta(seconds=20)},
    ],
    ids=["another person", "another session", "another machine", "a guess", "nothing", "late"],
)
def test_a_grant_is_nothing_to_anybody_else_or_too_late(
    cast: Cast, vm: VirtualMachine, spoil: Callable[[Cast, dict[str, Any]], dict[str, Any]]
) -> None:
    now = timezone.now()
    token = grants.issue(cast.alice, "a-session", vm, address="192.0.2.7", now=now)
    known: dict[str, Any] = {"token": token, "session_key": "a-session", "now": now}
    known |= {"user_id": cast.alice.pk, "vm_id": vm.pk}

    assert grants.spend(**spoil(cast, known)) is None

    assert vm.smbios_uuid is not None
    spent = grants.spend(**known)
    assert spent == grants.SpentGrant(cast.alice.pk, vm.smbios_uuid, "192.0.2.7")
    assert grants.spend(**known) is None


def at_once(work: Callable[[], bool]) -> int:
    """How many of 64 threads that start together succeed."""
    gate = threading.Barrier(AT_ONCE)

    def one() -> bool:
        connection.ensure_connection()
        gate.wait(60)
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(future.result(60) for future in [pool.submit(one) for _ in range(AT_ONCE)])


def test_of_64_at_once_exactly_one_spends_a_grant(cast: Cast, vm: VirtualMachine) -> None:
    rounds, accepted = scaled(20, 200), []
    for _ in range(rounds):
        now = timezone.now()
        token = grants.issue(cast.alice, "s", vm, address="", now=now)
        accepted.append(
            at_once(lambda t=token, n=now: bool(grants.spend(t, "s", user_id=cast.alice.pk, vm_id=vm.pk, now=n)))  # type: ignore[misc]
        )

    figure("R-35", "rounds", rounds, "at_once", AT_ONCE, "accepted", sum(accepted), "most_in_a_round", max(accepted))
    assert accepted == [1] * rounds


def test_reading_and_then_marking_lets_more_through(cast: Cast, vm: VirtualMachine) -> None:
    token = grants.issue(cast.alice, "s", vm, address="", now=timezone.now())
    read = threading.Barrier(AT_ONCE)

    def read_then_mark() -> bool:
        grant = ConsoleGrant.objects.filter(token_hash=grants.hashed(token), spent_at=None).first()
        read.wait(60)
        if grant is None:
            return False
        grant.spent_at = timezone.now()
        grant.save(update_fields=["spent_at"])
        return True

    accepted = at_once(read_then_mark)

    figure("R-35", "control", "at_once", AT_ONCE, "accepted", accepted)
    assert accepted > 1


def test_of_64_sockets_with_one_grant_exactly_one_is_accepted(house: House) -> None:
    async def scenario() -> int:
        known = headers(house.portal.origin, house.cookie, await house.new_grant())
        tries = [Browser.open(house.portal.port, house.path, known) for _ in range(AT_ONCE)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        house.browsers += [one for one in results if isinstance(one, Browser)]
        assert {one.status for one in results if isinstance(one, Refused)} == {403}
        return len(house.browsers)

    accepted = house.run(scenario())

    figure("R-35", "sockets", AT_ONCE, "accepted", accepted)
    assert accepted == 1


#: What can happen to who was given a grant before they use it; each undone afterwards.
LOST: tuple[Callable[[Cast, str], object], ...] = (
    lambda cast, key: Session.objects.filter(pk=key).delete(),
    lambda cast, key: User.objects.filter(pk=cast.alice.pk).update(is_active=False),
    lambda cast, key: User.objects.filter(pk=cast.alice.pk).update(password="!changed"),
    lambda cast, key: VirtualMachine.objects.update(lifecycle=Lifecycle.GONE),
    lambda cast, key: VirtualMachine.objects.update(locked_at=timezone.now(), lock_reason="Mining."),
    lambda cast, key: ConsoleGrant.objects.all().delete(),
)


def test_a_right_lost_or_a_machine_replaced_meanwhile_is_noticed(cast: Cast, vm: VirtualMachine) -> None:
    key, now = cookie_of(cast.alice), timezone.now()

    def settled() -> bool:
        token = grants.issue(cast.alice, key, vm, address="", now=now)
        VirtualMachine.objects.filter(pk=vm.pk).update(**change)
        return settle(key, token, vm.pk, now) is not None

    change: dict[str, object] = {}
    assert settled()
    for lost in LOST:
        with transaction.atomic():
            token = grants.issue(cast.alice, key, vm, address="", now=now)
            lost(cast, key)
            assert settle(key, token, vm.pk, now) is None
            transaction.set_rollback(True)
    figure("R-35", "lost meanwhile", len(LOST) + 2, "accepted", 0)
    assert settled()
    change = {"smbios_uuid": uuid.uuid4()}
    assert not settled()
    vm.refresh_from_db()
    change = {"pool": cast.bobs}
    assert not settled()


def test_grants_of_yesterday_are_pruned(cast: Cast, vm: VirtualMachine) -> None:
    now = timezone.now()
    for age in (timedelta(days=2), timedelta(hours=1)):
        grants.issue(cast.alice, "s", vm, address="", now=now - age)

    assert (grants.prune(now), ConsoleGrant.objects.count()) == (1, 1)
