"""Keeps query strings out of Daphne's access log: the way back from the house's sign-in carries a code in it."""

from typing import Any

from daphne.access import AccessLogGenerator

_write_entry = AccessLogGenerator.write_entry


def without_queries() -> None:
    """From now on Daphne writes addresses without what follows the question mark. Called where Daphne loads us."""
    AccessLogGenerator.write_entry = _write_without_query


def _write_without_query(self: AccessLogGenerator, host: str, date: Any, request: str, *rest: Any, **more: Any) -> None:
    _write_entry(self, host, date, request.partition("?")[0], *rest, **more)
