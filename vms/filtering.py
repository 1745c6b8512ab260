"""What somebody writes into the list's filter: plain words, and status:, tag: and pool: with a word."""

from collections.abc import Iterable

from vms.rows import Row

LONGEST = 100


def matching(rows: Iterable[Row], typed: str) -> list[Row]:
    """The rows that fit every word. An unknown prefix is part of a plain word, which is looked for in names."""
    words = typed[:LONGEST].lower().split()
    return [row for row in rows if all(_fits(row, word) for word in words)]


def _fits(row: Row, word: str) -> bool:
    prefix, colon, value = word.partition(":")
    match prefix if colon else "":
        case "status":
            return value in row.state.word.lower()
        case "tag":
            return value in row.vm.tags
        case "pool":
            return row.vm.pool is not None and value in row.vm.pool.name.lower()
        case _:
            return word in row.vm.name.lower()
