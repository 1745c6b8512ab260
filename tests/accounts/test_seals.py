"""The audit trail is sealed: whatever is changed afterwards is named."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts import audit, seals
from accounts.models import AuditEvent, AuditSeal, User
from tests.figures import figure

COLUMNS = ("actor_name", "address", "verb", "target_kind", "target_id", "target_name", "machine_uuid")


@pytest.fixture
def rows(db: None) -> list[AuditEvent]:
    """Twelve sealed rows, in three seals."""
    alice = User.objects.create_user("alice")
    made = []
    for n in range(12):
        made.append(audit.record(actor=alice, verb="vm.start", target_kind="vm", target_id=n, before=n))
        if n % 4 == 3:
            seals.seal_due(later())
    return made


def later() -> datetime:
    return timezone.now() + timedelta(hours=1)


def found(expected: str = "") -> list[str]:
    return [str(flaw) for flaw in seals.flaws(expected)]


def test_what_nobody_touched_has_no_flaw(rows: list[AuditEvent]) -> None:
    assert (AuditSeal.objects.count(), found(seals.newest())) == (3, [])


def test_every_kind_of_change_is_named_by_its_row(rows: list[AuditEvent]) -> None:
    named = 0
    for column in COLUMNS:
        for row in rows:
            named += changed(row, column)
    figure("audit", "changes", len(COLUMNS) * len(rows), "named", named)
    assert named == len(COLUMNS) * len(rows)


def changed(row: AuditEvent, column: str) -> bool:
    """Changes one column, looks, and changes it back."""
    target = AuditEvent.objects.filter(pk=row.pk)
    target.update(**{column: "another"})
    is_named = found() == [f"row {row.pk}: was changed"]
    target.update(**{column: getattr(row, column)})
    return is_named


def test_detail_and_time_are_sealed_too(rows: list[AuditEvent]) -> None:
    AuditEvent.objects.filter(pk=rows[2].pk).update(detail={"before": 99})
    AuditEvent.objects.filter(pk=rows[7].pk).update(at=rows[7].at - timedelta(days=1))

    assert found() == [f"row {rows[2].pk}: was changed", f"row {rows[7].pk}: was changed"]


def test_a_removed_row_is_named(rows: list[AuditEvent]) -> None:
    AuditEvent.objects.filter(pk=rows[5].pk).delete()

    assert found() == [f"row {rows[5].pk}: was removed"]


def test_a_row_put_in_place_of_one_that_was_removed_is_named(rows: list[AuditEvent]) -> None:
    AuditEvent.objects.filter(pk=rows[5].pk).delete()
    AuditEvent.objects.create(id=rows[5].pk, actor_name="mallory", verb="vm.start")

    assert found() == [f"row {rows[5].pk}: was changed"]


def test_a_row_pushed_in_between_is_named(db: None) -> None:
    rows = [AuditEvent.objects.create(id=10 * n, actor_name="alice", verb="vm.start") for n in (1, 2, 3)]
    seals.seal_due(later())
    late = AuditEvent.objects.create(id=rows[0].pk + 5, actor_name="mallory", verb="vm.start")

    assert found() == [f"row {late.pk}: was added after its neighbours had been sealed"]


@pytest.mark.parametrize("pk", [-7, 0])
def test_a_row_put_before_the_first_is_named(pk: int, rows: list[AuditEvent]) -> None:
    AuditEvent.objects.create(id=pk, actor_name="mallory", verb="vm.start")

    assert found() == [f"row {pk}: was added after its neighbours had been sealed"]


def test_a_row_from_the_future_keeps_nothing_from_being_sealed(rows: list[AuditEvent]) -> None:
    made = [audit.record(actor=None, verb="vm.start") for _ in range(3)]
    AuditEvent.objects.filter(pk=made[0].pk).update(at=later() + timedelta(days=9999))

    assert (seals.seal_due(later()), found()) == (3, [])


@pytest.mark.parametrize(("age", "flaws"), [(timedelta(minutes=20), 0), (timedelta(hours=2), 1)])
def test_a_trail_that_nobody_seals_any_more_is_told(age: timedelta, flaws: int, rows: list[AuditEvent]) -> None:
    row = audit.record(actor=None, verb="vm.start")
    AuditEvent.objects.filter(pk=row.pk).update(at=timezone.now() - age)

    told = "is old and was never sealed, nor is what came after it: does the worker run, or a transaction stay open?"
    assert found() == [f"row {row.pk}: {told}"] * flaws


def test_the_end_cut_off_with_its_seal_is_found_by_a_seal_that_was_kept(rows: list[AuditEvent]) -> None:
    kept = seals.newest()
    AuditSeal.objects.filter(code=kept.partition(":")[2]).delete()
    AuditEvent.objects.filter(pk__gte=rows[8].pk).delete()

    assert found() == []
    assert found(kept) == [f"the seal {kept} is not in the chain: its rows and what came after were cut or replaced"]


def test_a_seal_taken_out_of_the_middle_breaks_the_chain(rows: list[AuditEvent]) -> None:
    AuditSeal.objects.filter(first_id=rows[4].pk).delete()

    assert found() == [f"the seal of the rows {rows[8].pk} to {rows[11].pk} is not what it was"]


def test_whoever_has_the_database_but_not_the_key_cannot_seal(rows: list[AuditEvent], settings: Settings) -> None:
    AuditEvent.objects.filter(pk=rows[0].pk).update(verb="another")
    AuditSeal.objects.all().delete()
    settings.AUDIT_KEY = "somebody-else-s-key-" * 3
    seals.seal_due(later())
    settings.AUDIT_KEY = ""

    assert found() == [f"the seal of the rows {rows[0].pk} to {rows[11].pk} is not what it was"]


@pytest.mark.parametrize(("earlier", "flaws"), [("", 1), ("an-earlier-key-of-its-own", 0)])
def test_where_the_audit_has_a_key_of_its_own_no_other_makes_a_seal(
    rows: list[AuditEvent], earlier: str, flaws: int, settings: Settings
) -> None:
    """SECRET_KEY is known to each process that a browser talks to; an earlier key still verifies."""
    settings.AUDIT_KEY = earlier
    AuditSeal.objects.all().delete()
    seals.seal_due(later())

    settings.AUDIT_KEY, settings.AUDIT_KEY_FALLBACKS = "the-audit-s-key-" * 3, [earlier] if earlier else []

    assert len(found()) == flaws


def test_a_row_too_young_waits_and_an_earlier_key_still_verifies(rows: list[AuditEvent], settings: Settings) -> None:
    young = audit.record(actor=None, verb="vm.start")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-for-tests-only-that-is-long-enough"

    assert (seals.seal_due(young.at), found()) == (0, [])
    assert (seals.seal_due(later()), found()) == (1, [])


def test_a_person_who_is_deleted_leaves_the_trail_as_it_was(rows: list[AuditEvent]) -> None:
    User.objects.get(username="alice").delete()

    assert found() == []


def tell(*arguments: str) -> Callable[[], str]:
    """What the command prints."""
    out = StringIO()
    call_command("audit_verify", *arguments, stdout=out)
    return out.getvalue


def test_the_command_says_what_it_saw_and_fails_where_there_is_a_flaw(rows: list[AuditEvent]) -> None:
    assert "3 seals, 0 flaws, 0 rows not sealed yet." in tell("--seal", seals.newest())()

    AuditEvent.objects.filter(pk=rows[3].pk).update(verb="another")

    with pytest.raises(CommandError, match="not what was sealed"):
        tell()
