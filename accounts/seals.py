"""Seals the audit trail in batches, so that a row changed, removed or added afterwards is named by a check.

Each seal is an HMAC over the seal before it and over the codes of its rows, in the order of their ids. The key lies
outside the database (AUDIT_KEY): whoever can write to the database alone cannot make a seal. What is cut from the end
together with its seals is found by a seal that was kept elsewhere, such as the one in the RTPs' daily mail.
Rows are sealed once they are AUDIT_SEAL_DELAY_S older than now and than every transaction that still writes: a row that
is committed late has an id below others that were seen already.
"""

import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import AuditEvent, AuditSeal

BATCH = 500
SHORT = 24  # hex digits of one row's code: 96 bits
LOWEST = -(2**63) - 1  # below every id that a database takes, whoever chose it
OLDEST_WRITER = """SELECT min(xact_start) FROM pg_stat_activity
  WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"""
UNSEALED = "is old and was never sealed, nor is what came after it: does the worker run, or a transaction stay open?"
#: Beat seals every ten minutes.
STILL = timedelta(hours=1)


@dataclass(frozen=True)
class Flaw:
    """One thing that is not as it was sealed. `row_id` None: a seal itself, or the end of the chain."""

    row_id: int | None
    what: str

    def __str__(self) -> str:
        return f"row {self.row_id}: {self.what}" if self.row_id is not None else self.what


def seal_due(now: datetime) -> int:
    """Seals every row that is old enough; how many. Two that run at once: the second finds the first one's seal."""
    sealed, still = 0, min(now, _oldest_writer() or now)
    while batch := _batch(now, still):
        try:
            with transaction.atomic():
                _seal(batch, now)
        except IntegrityError:
            return sealed
        sealed += len(batch)
    return sealed


def _seal(batch: list[AuditEvent], now: datetime) -> None:
    """One batch; IntegrityError where another process sealed its first row a moment ago."""
    previous = AuditSeal.objects.first()
    codes = {str(row.pk): code_of(row, _keys()[0]) for row in batch}
    code = _chained(previous.code if previous else "", codes, _keys()[0])
    AuditSeal.objects.create(first_id=batch[0].pk, last_id=batch[-1].pk, rows=codes, made_at=now, code=code)


def newest() -> str:
    """The newest seal in one word, to be kept elsewhere; empty before the first."""
    found = AuditSeal.objects.first()
    return str(found) if found else ""


def flaws(expected: str = "") -> Iterator[Flaw]:
    """Everything that is not as it was sealed, in the order of the ids. `expected`: a seal that was kept elsewhere."""
    before, reached = "", LOWEST
    for seal in AuditSeal.objects.order_by("last_id").iterator(chunk_size=50):
        key = _key_of(seal, before)
        if key is None:
            yield Flaw(None, f"the seal of the rows {seal.first_id} to {seal.last_id} is not what it was")
        else:
            yield from _rows_of(seal, reached, key)
        before, reached = seal.code, seal.last_id
    yield from _unsealed(reached, timezone.now())
    if expected and not AuditSeal.objects.filter(last_id=_last_id(expected), code=expected.partition(":")[2]).exists():
        yield Flaw(None, f"the seal {expected} is not in the chain: its rows and what came after were cut or replaced")


def code_of(row: AuditEvent, key: bytes) -> str:
    """One row's code. Links to people and pools are left out: they become empty when those are deleted."""
    told = [
        row.pk, row.at.isoformat(), row.actor_name, row.address, row.verb, row.target_kind, row.target_id,
        row.target_name, row.machine_uuid, row.detail,
    ]  # fmt: skip
    return _code(json.dumps(told, sort_keys=True, ensure_ascii=False), key)[:SHORT]


def _batch(now: datetime, still: datetime) -> list[AuditEvent]:
    """The next rows in the order of their ids, up to the first that is too young; nobody who began before `still`
    writes any more.

    One from the future is sealed as it is: it would hold back everything after it until then.
    """
    delay = timedelta(seconds=settings.AUDIT_SEAL_DELAY_S)
    last = AuditSeal.objects.first()
    rows = AuditEvent.objects.filter(pk__gt=last.last_id if last else 0).order_by("pk")[:BATCH]
    batch: list[AuditEvent] = []
    for row in rows:
        if still - delay < row.at <= now + delay:
            break
        batch.append(row)
    return batch


def _oldest_writer() -> datetime | None:
    """When the oldest transaction began that has written and not ended. None: there is none, or the database has only
    one writer at a time. Those of other databases and, without pg_read_all_stats, of other roles are not seen.
    """
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_WRITER)
        (began,) = cursor.fetchone()
    return cast("datetime | None", began)


def _unsealed(reached: int, now: datetime) -> Iterator[Flaw]:
    """What should be sealed by now and is not."""
    old = now - timedelta(seconds=settings.AUDIT_SEAL_DELAY_S) - STILL
    first = AuditEvent.objects.filter(pk__gt=max(reached, 0), at__lt=old).order_by("pk").first()
    if first is not None:
        yield Flaw(first.pk, UNSEALED)


def _rows_of(seal: AuditSeal, reached: int, key: bytes) -> Iterator[Flaw]:
    there = {row.pk: row for row in AuditEvent.objects.filter(pk__gt=reached, pk__lte=seal.last_id)}
    known = {int(pk): code for pk, code in seal.rows.items()}
    for pk in sorted({*there, *known}):
        if pk not in there:
            yield Flaw(pk, "was removed")
        elif pk not in known:
            yield Flaw(pk, "was added after its neighbours had been sealed")
        elif not hmac.compare_digest(code_of(there[pk], key), known[pk]):
            yield Flaw(pk, "was changed")


def _key_of(seal: AuditSeal, before: str) -> bytes | None:
    """The key that made the seal; None where none of ours did."""
    return next((key for key in _keys() if hmac.compare_digest(_chained(before, seal.rows, key), seal.code)), None)


def _chained(before: str, codes: dict[str, str], key: bytes) -> str:
    in_order: Iterable[tuple[int, str]] = sorted((int(pk), code) for pk, code in codes.items())
    return _code(json.dumps([before, [[pk, code] for pk, code in in_order]]), key)


def _code(text: str, key: bytes) -> str:
    return hmac.new(key, b"vmportal.audit:" + text.encode(), "sha256").hexdigest()


def _keys() -> list[bytes]:
    """The key that seals, then earlier ones that still verify.

    With a key of its own SECRET_KEY verifies nothing: every process of the portal knows it.
    """
    own = (settings.AUDIT_KEY, *settings.AUDIT_KEY_FALLBACKS)
    keys = own if settings.AUDIT_KEY else (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [key.encode() for key in keys]


def _last_id(seal: str) -> int:
    number = seal.partition(":")[0]
    return int(number) if number.isdecimal() and len(number) < 18 else -1
