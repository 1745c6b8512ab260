"""One word, one shape, one hue for each state of a machine."""

import pytest

from vms.shown import Reading, Shown, shown
from vms.states import Lifecycle, OperationKind, OperationState, Power
from vms.verbs import VERBS, fact


def ready(**known: object) -> Reading:
    """A machine that exists and was read 5 s ago."""
    defaults: dict[str, object] = {"lifecycle": Lifecycle.READY, "power": Power.RUNNING, "age_s": 5.0, "seen": "14:02"}
    return Reading(**(defaults | known))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (ready(), Shown("Running", "dot", "ok")),
        (ready(power=Power.STOPPED), Shown("Stopped", "ring", "idle")),
        (ready(power=Power.PAUSED), Shown("Paused", "bars", "idle")),
        (ready(age_s=30), Shown("Running", "dot", "ok")),
        (ready(age_s=42), Shown("Running", "dot", "ok", aside="42 s ago")),
        (ready(age_s=61), Shown("Running", "dot", "ok", aside="as of 14:02", is_old=True)),
        (ready(power=Power.UNKNOWN), Shown("Unknown since 14:02", "up", "bad", is_hollow=True)),
        (ready(age_s=None, seen=""), Shown("Unknown", "up", "bad", is_hollow=True)),
        (ready(lock="backup"), Shown("Backup running (Proxmox)", "lock", "info")),
        (ready(lock="something-new"), Shown("Busy (Proxmox)", "lock", "info")),
        (ready(is_missing=True), Shown("Not found in Proxmox", "gem", "warn", aside="since 14:02")),
        (ready(lifecycle=Lifecycle.FAILED), Shown("Could not create", "up", "bad")),
        (ready(lifecycle=Lifecycle.GONE), Shown("Deleted", "ring", "idle")),
    ],
)
def test_what_is_known_is_shown_with_its_age(reading: Reading, expected: Shown) -> None:
    assert shown(reading) == expected


@pytest.mark.parametrize("kind", OperationKind)
def test_an_operation_comes_before_what_was_last_read(kind: OperationKind) -> None:
    moving = ready(operation_kind=kind, operation_state=OperationState.SUBMITTED)
    unsure = ready(operation_kind=kind, operation_state=OperationState.UNCERTAIN)
    stuck = ready(operation_kind=kind, operation_state=OperationState.NEEDS_RTP)

    assert shown(moving).word == VERBS[kind].doing
    assert shown(unsure).word == "Finding out"
    assert shown(stuck).word == "Waits for an RTP"


@pytest.mark.parametrize("kind", OperationKind)
@pytest.mark.parametrize("state", sorted(set(OperationState) - {OperationState.SUCCEEDED}))
def test_done_is_said_only_of_what_is_done(kind: OperationKind, state: OperationState) -> None:
    done = fact(kind, OperationState.SUCCEEDED, "web-01")

    assert done == f"{VERBS[kind].done} web-01"
    assert fact(kind, state, "web-01") != done
