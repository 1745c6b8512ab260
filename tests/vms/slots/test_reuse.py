"""R-20: a vmid is a slot. Whoever held a machine holds nothing of the next one in its slot."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pytest_django import Settings

from tests.cast import make_cast
from tests.consoles.portal import serving
from tests.devcluster.cluster import DevCluster
from tests.figures import add_to_figure, scaled
from tests.unwatched import nth_try
from tests.vms.operations.workshop import Workshop
from tests.vms.slots.conftest import prepare
from tests.vms.slots.holding import forms_of, hold
from tests.vms.slots.screens import Screens
from tests.vms.slots.sequences import cases, run
from tests.vms.slots.staying import HAPPENINGS, broken
from tests.vms.slots.street import Street, boss_of
from tests.vms.slots.unguarded import unguarded
from vms.cluster.guard import Guard

SEQUENCES = scaled(40, 200)
#: So that two workers share them.
PARTS = 2
#: What waits while one of HAPPENINGS takes place; it is worked on afterwards.
WAITING = ("shutdown", "tags", "stop", "snapshot", "roll_back", "start")

#: Sequences whose forms include a move: once it met another machine it would not come to an end.
OF_MOVES = next(number for number in range(6) if any(form.kind == "move" for form in forms_of(number)))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_carried_over_to_the_next_machine_in_a_slot(part: int, street: Street) -> None:
    carried: list[str] = []
    for number, case in enumerate(list(cases(SEQUENCES, seed=20))[part::PARTS]):
        with nth_try(number):
            held, found = run(street, case)
        carried += found
        add_to_figure("R-20", sequences=1, held=held, carry_overs=len(found))
    assert carried == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_same_machine_stays_hers_whatever_happens_to_it(street: Street) -> None:
    wrong: list[str] = []
    for number in range(scaled(12, 60)):
        happening = list(HAPPENINGS)[number % len(HAPPENINGS)]
        with nth_try(number):
            held = hold(street, number, WAITING[(number + number // 6) % 6])
            found = broken(street, held, happening)
            street.forget()
        wrong += found
        add_to_figure("R-20", same_machine=1, false_breaks=len(found))
    assert wrong == []


@pytest.fixture
def open_street(
    transactional_db: None, devcluster: DevCluster, settings: Settings, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Street]:  # fmt: skip
    """The same without the comparison of uuids, in this process and in the one that serves the sockets."""
    prepare(settings, devcluster)
    monkeypatch.setattr(Guard, "verified", unguarded)
    folder = tmp_path_factory.mktemp("unguarded")
    application = "tests.vms.slots.unguarded_portal:application"
    with serving(devcluster, folder, application) as portal, Screens(portal) as screens, boss_of(devcluster) as boss:
        yield Street(Workshop(make_cast(), devcluster), portal, screens, boss)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_without_the_comparison_of_uuids_much_is_carried_over(open_street: Street) -> None:
    """The control."""
    by_hand = [case for case in cases(9, seed=20) if not case.is_by_portal and case.number % 6 != OF_MOVES]
    unread = [replace(case, reads_between=0, reads_after=False) for case in by_hand]

    carried = [what for case in unread for what in run(open_street, case)[1]]

    add_to_figure("R-20", control_sequences=len(unread), control_carry_overs=len(carried))
    assert len(carried) >= len(unread)
