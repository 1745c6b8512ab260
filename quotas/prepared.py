"""Queries of the quota decision, whose SQL is made once a process.

Django's making of such SQL takes longer than the database's answer. The query stays written with the models; what
differs from call to call is one key.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.models import QuerySet

#: Stands for the key while the SQL is made; no row has it.
KEY = 2_147_400_001


class Prepared:
    """`make(key)` gives a query of values; the key stands in it by itself wherever it is meant."""

    def __init__(self, make: Callable[[int], QuerySet[Any, Any]]) -> None:
        self.make = make
        self.made: dict[str, tuple[str, tuple[Any, ...]]] = {}

    def rows(self, key: int) -> list[tuple[Any, ...]]:
        """The rows as the database gives them: SQLite has dates as text and truth as numbers."""
        sql, parameters = self._made()
        with connection.cursor() as cursor:
            cursor.execute(sql, [key if each == KEY else each for each in parameters])
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def _made(self) -> tuple[str, tuple[Any, ...]]:
        if connection.vendor not in self.made:
            sql, parameters = self.make(KEY).query.sql_with_params()
            self.made[connection.vendor] = sql, parameters
        return self.made[connection.vendor]
