"""Keeps query strings and references out of Daphne's access log: both may say what only one person should know."""

from typing import Any

from daphne.access import AccessLogGenerator

from vmportal.logs import blank

_write_entry = AccessLogGenerator.write_entry


def without_queries() -> None:
    """From now on Daphne writes addresses without what follows the question mark, and without the reference of a link.

    Called where Daphne loads us.
    """
    AccessLogGenerator.write_entry = _write_without_query


def _write_without_query(self: AccessLogGenerator, host: str, date: Any, request: str, *rest: Any, **more: Any) -> None:
    _write_entry(self, host, date, blank(request.partition("?")[0]), *rest, **more)
