"""Thousands of new rows in one statement: a house's first pass. bulk_create prepares every column of every row."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connections, router
from django.db.models import Field, Model


def insert_alike(prototype: Model, rows: Sequence[Mapping[str, Any]], *, ignore_conflicts: bool = False) -> None:
    """Inserts a row like `prototype`, which is not saved, for each of `rows`: attname → value of what differs.

    All rows name the same columns. No signal is sent. A conflict raises IntegrityError, or is left out when ignored.
    """
    if not rows:
        return
    connection = connections[router.db_for_write(type(prototype))]
    fields = [field for field in prototype._meta.local_concrete_fields if not field.primary_key]
    differing = [field for field in fields if field.attname in rows[0]]
    alike = [field for field in fields if field.attname not in rows[0]]
    same = [field.get_db_prep_save(field.pre_save(prototype, True), connection) for field in alike]
    values = ([*_own(row, differing, connection), *same] for row in rows)
    with connection.cursor() as cursor:
        cursor.executemany(_statement(prototype, [*differing, *alike], connection, ignore_conflicts), list(values))


def _own(row: Mapping[str, Any], fields: Iterable[Field[Any, Any]], connection: Any) -> list[Any]:
    return [field.get_db_prep_save(row[field.attname], connection) for field in fields]


def _statement(model: Model, fields: Sequence[Field[Any, Any]], connection: Any, ignore_conflicts: bool) -> str:
    quoted = connection.ops.quote_name
    columns = ", ".join(quoted(field.column) for field in fields)
    places = ", ".join(["%s"] * len(fields))
    ending = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    return f"INSERT INTO {quoted(model._meta.db_table)} ({columns}) VALUES ({places}){ending}"  # noqa: S608 (our own names)
