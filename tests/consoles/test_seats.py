"""Seats: six a person, forty a node, one a person and machine. The database counts, however many ask at once."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from consoles import close_codes, seats, visits
from consoles.authority import Authority, ref_of
from consoles.models import ConsoleVisit
from tests.cast import Cast
from tests.consoles.race import race
from tests.consoles.rows import make_visit
from tests.factories import make_node, make_vm
from tests.figures import figure
from tests.servers import PostgresServer
from tests.vms.test_race import database_of, postgres, python
from vms.models import VirtualMachine

__all__ = ["postgres"]
CLIENTS, SIX = 20, 6


@pytest.fixture
def house(settings: Settings) -> None:
    """The limits of a house."""
    settings.CONSOLE_MAX_PER_PERSON, settings.CONSOLE_MAX_PER_NODE, settings.CONSOLE_MAX_SAME_VM = SIX, 40, 1


def machines(cast: Cast, count: int, node: str = "pve1") -> list[VirtualMachine]:
    make_node(node)
    return [make_vm(cast.alices, f"{node}-{n}", node=node) for n in range(count)]


def test_what_a_house_gets_unless_it_says_otherwise() -> None:
    names = ["MAX_PER_PERSON", "MAX_PER_NODE", "MAX_SAME_VM", "MAX_S", "IDLE_S", "WARN_S", "HEARTBEAT_S", "ORPHAN_S"]
    code = f"from vmportal import settings as s; print(*(getattr(s, 'CONSOLE_' + n) for n in {names}))"

    assert python("", "-c", code).split() == ["6", "40", "1", "28800", "7200", "60", "15", "40"]


@pytest.mark.usefixtures("house")
def test_a_person_gets_six_and_the_seventh_when_one_of_them_ends(cast: Cast) -> None:
    *six, seventh = machines(cast, SIX + 1)
    opened = [make_visit(cast.alice, vm) for vm in six]
    now = timezone.now()

    assert seats.shortage(cast.alice, seventh, now) == close_codes.TOO_MANY
    assert seats.shortage(cast.bob, seventh, now) is None
    visits.ask_to_end(cast.alice, opened[0].pk, address="", now=now)
    assert seats.shortage(cast.alice, seventh, now) is None


@pytest.mark.usefixtures("house")
def test_a_seat_at_the_same_machine_is_taken_over(cast: Cast) -> None:
    six = machines(cast, SIX)
    opened = [make_visit(cast.alice, vm) for vm in six]
    again = six[2]
    assert again.smbios_uuid

    settled = Authority(cast.alice.pk, "alice", "s", again.pk, again.smbios_uuid, "", ref_of(again))
    visits.open_visit(settled, timezone.now())

    asked = ConsoleVisit.objects.exclude(end_asked_at=None)
    assert [(visit.pk, visit.end_asked) for visit in asked] == [(opened[2].pk, "elsewhere")]
    assert seats.taken(timezone.now()).filter(user=cast.alice).count() == SIX


def test_a_full_node_gets_no_further_console_and_another_does(cast: Cast, settings: Settings) -> None:
    settings.CONSOLE_MAX_PER_NODE = 3
    *three, fourth = machines(cast, 4)
    (elsewhere,) = machines(cast, 1, "pve2")
    for vm in three:
        make_visit(cast.alice, vm)
    now = timezone.now()

    assert seats.shortage(cast.bob, fourth, now) == close_codes.NODE_FULL
    assert seats.shortage(cast.bob, elsewhere, now) is None


@pytest.mark.usefixtures("house")
def test_who_fell_silent_holds_no_seat_and_gets_it_not_back(cast: Cast, settings: Settings) -> None:
    *six, seventh = machines(cast, SIX + 1)
    old = timezone.now() - timedelta(seconds=settings.CONSOLE_ORPHAN_S + 1)
    silent = [make_visit(cast.alice, vm, seen_at=old) for vm in six]
    now = timezone.now()

    assert seats.shortage(cast.alice, seventh, now) is None
    assert not visits.see(silent[0].pk, to_browser=1, from_browser=1, now=now)
    fresh = make_visit(cast.alice, seventh)
    assert visits.see(fresh.pk, to_browser=1, from_browser=1, now=now)


#: What is limited to six in a race, and how many a person and a node may have open then.
RACES = {"person": (SIX, 40), "node": (40, SIX), "unknown": (40, SIX)}


@pytest.mark.parametrize("control", [False, True])
@pytest.mark.parametrize("of", RACES)
def test_of_twenty_at_once_six_open_on_sqlite(
    transactional_db: None, settings: Settings, of: str, control: bool
) -> None:
    settings.CONSOLE_MAX_PER_PERSON, settings.CONSOLE_MAX_PER_NODE = RACES[of]

    judge("SQLite", of, race(CLIENTS, of=of, control=control), control=control)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("of", RACES)
def test_of_twenty_at_once_six_open_on_postgresql(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    for name, most in zip(("PERSON", "NODE"), RACES[of], strict=True):
        monkeypatch.setenv(f"CONSOLE_MAX_PER_{name}", str(most))

    built, control = json.loads(python(database_of(postgres), "-m", "tests.consoles.race", str(CLIENTS), of))

    judge("PostgreSQL", of, built, control=False)
    judge("PostgreSQL", of, control, control=True)


def judge(where: str, of: str, found: dict[str, object], *, control: bool) -> None:
    """Exactly six; the control shows that twenty ask at once indeed."""
    figure("seats", where, of, "at once", CLIENTS, "control" if control else "built", "open", found["open"])
    assert found["errors"] == []
    if control:
        assert found["open"] == CLIENTS
    else:
        assert (found["open"], found["refused"]) == (SIX, CLIENTS - SIX)
