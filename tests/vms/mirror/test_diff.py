"""Comparing a reading with the rows: no database, no cluster."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from vms.cluster.types import ClusterReading, GuestConfig, GuestFacts, NodeFacts
from vms.mirror.diff import candidates, difference, looks_changed, too_many
from vms.mirror.facts import Kind, Known, Reading
from vms.mirror.read import may_see
from vms.states import Lifecycle, Power

AT = datetime(2026, 11, 1, tzinfo=UTC)
NODES = (NodeFacts("pve1", "online"), NodeFacts("pve2", "online"))
LAG = timedelta(seconds=15)


def known(**columns: Any) -> Known:
    """A stopped machine in slot 100 on pve1 in alice's pool, read an hour ago."""
    defaults: dict[str, Any] = {"node": "pve1", "power": "stopped", "poolid": "alice", "seen_poolid": "alice"}
    defaults |= {"seen_poolid_readings": 2, "read_at": AT - timedelta(hours=1), "listed": "web|1|512|0|"}
    return Known(1, 100, "u1", "web", Lifecycle.READY, **defaults | columns)


def guest(**facts: Any) -> GuestFacts:
    """What the list says of it when nothing changed."""
    defaults: dict[str, Any] = {"status": "stopped", "power": "stopped", "name": "web", "poolid": "alice"}
    return GuestFacts(100, "pve1", **defaults | {"cores": 1, "memory_bytes": 512, "disk_bytes": 0} | facts)


def config(uuid: str = "u1", **options: Any) -> GuestConfig:
    """Its settings."""
    return GuestConfig("pve1", 100, uuid, "d", "web", 1, 512, **options)


def reading(*guests: GuestFacts, **details: Any) -> Reading:
    """A complete reading of these machines."""
    return Reading(AT, listing=ClusterReading(nodes=NODES, guests=guests), **{"is_complete": True, **details})


def kinds(one: Reading, *rows: Known) -> list[Kind]:
    """Which changes a comparison finds."""
    return [change.kind for change in difference(one, rows, {"alice", "bob"}).changes]


def test_nothing_changed_is_nothing_to_write() -> None:
    found = difference(reading(guest()), [known()], {"alice"})
    assert (found.changes, found.load, found.seen, found.frozen) == ((), (), (1,), False)


@pytest.mark.parametrize(
    "facts",
    [
        {"node": "pve2"},
        {"lock": "backup"},
        {"cores": 2},
        {"memory_bytes": 1024},
        {"disk_bytes": 8},
        {"name": "other"},
        {"tags": ("a",)},
        {"poolid": "bob"},
        {"power": "running", "status": "running"},
        {"power": "unknown", "status": "unknown", "name": "", "cores": None, "memory_bytes": None},
    ],
)
def test_what_makes_a_machine_worth_a_look(facts: dict[str, Any]) -> None:
    changed = GuestFacts(**{name: getattr(guest(), name) for name in GuestFacts.__slots__} | facts)
    assert looks_changed(changed, known(), None, AT, LAG)
    assert not looks_changed(guest(), known(), None, AT, LAG)


def test_a_task_that_ended_since_makes_it_worth_a_look() -> None:
    read_s = int((AT - timedelta(hours=1)).timestamp())
    assert looks_changed(guest(), known(), read_s + 1, AT, LAG)
    assert not looks_changed(guest(), known(), read_s - 1, AT, LAG)


def test_a_restart_makes_it_worth_a_look() -> None:
    up = {"power": "running", "status": "running", "uptime_s": 30}
    assert looks_changed(guest(**up), known(power="running", uptime_s=9000), None, AT, LAG)
    assert not looks_changed(guest(**up), known(power="running", uptime_s=20), None, AT, LAG)


def test_not_told_is_not_zero() -> None:
    silent = guest(power="unknown", status="unknown", name="", cores=None, memory_bytes=None, disk_bytes=None)
    (change,) = difference(reading(silent), [known(power="running")], set()).changes
    assert dict(change.columns) == {"power": Power.UNKNOWN}


def test_a_lagging_list_does_not_overrule_what_was_asked_just_now() -> None:
    row = known(power="running", read_at=AT - timedelta(seconds=5))
    assert difference(reading(guest()), [row], set(), lag=LAG).changes == ()
    assert difference(reading(guest()), [known(power="running")], set(), lag=LAG).changes != ()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, [Kind.REPLACED]),
        ({"is_busy": True}, []),
        ({"lifecycle": Lifecycle.CREATING}, []),
        ({"lifecycle": Lifecycle.DELETING}, []),
    ],
)
def test_another_uuid_in_the_slot(row: dict[str, Any], expected: list[Kind]) -> None:
    lifecycle = row.pop("lifecycle", Lifecycle.READY)
    one = Known(1, 100, "u1", "web", lifecycle, node="pve1", power="stopped", **row)
    assert kinds(reading(guest(poolid=""), configs={100: config("u2")}), one) == expected


def test_absent_needs_a_complete_reading_and_an_empty_slot() -> None:
    assert kinds(reading(gone=frozenset({100})), known()) == [Kind.ABSENT]
    assert kinds(reading(), known()) == []
    assert kinds(reading(gone=frozenset({100}), is_complete=False), known()) == []
    assert kinds(reading(gone=frozenset({100})), known(is_busy=True)) == []
    assert kinds(reading(gone=frozenset({100})), known(is_missing=True)) == []


def test_a_marked_row_is_only_found_again_by_its_uuid() -> None:
    assert kinds(reading(guest()), known(is_missing=True)) == []
    assert kinds(reading(guest(), configs={100: config("u1")}), known(is_missing=True)) == [Kind.BACK]
    assert kinds(reading(guest(), configs={100: config("u2")}), known(is_missing=True)) == [Kind.REPLACED]


@pytest.mark.parametrize(
    ("vanished", "of", "expected"),
    [(0, 0, False), (1, 1, False), (1, 3, False), (2, 20, False), (2, 19, True), (5, 60, False), (6, 3000, True)],
)
def test_how_many_at_once_nobody_believes(vanished: int, of: int, expected: bool) -> None:
    assert too_many(vanished, of) is expected


def test_many_at_once_are_frozen_unless_an_rtp_let_go() -> None:
    rows = [Known(n, 100 + n, f"u{n}", "web", Lifecycle.READY) for n in range(30)]
    gone = frozenset(range(100, 130))
    assert difference(reading(gone=gone), rows, set()).frozen
    assert len(difference(reading(gone=gone, may_remove=True), rows, set()).changes) == 30
    assert len(candidates(frozenset(), rows)) == 30


@pytest.mark.parametrize(
    ("rights", "poolid", "expected"),
    [
        ({"/": {"VM.Audit"}}, "alice", True),
        ({"/vms": {"VM.Audit"}}, "", True),
        ({"/vms": set(), "/": {"VM.Audit"}}, "", False),
        ({"/pool": {"VM.Audit"}}, "alice", True),
        ({"/pool": {"VM.Audit"}, "/pool/alice": set()}, "alice", False),
        ({"/pool/portal": {"VM.Audit"}}, "portal/alice", True),
        ({"/pool/bob": {"VM.Audit"}}, "alice", False),
        ({"/pool": {"VM.Audit"}}, "", False),
        ({}, "alice", False),
    ],
)
def test_where_the_token_sees(rights: dict[str, set[str]], poolid: str, expected: bool) -> None:
    assert may_see({path: frozenset(held) for path, held in rights.items()}, poolid) is expected
