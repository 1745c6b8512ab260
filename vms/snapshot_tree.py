"""The order in which snapshots are shown: each under the one it came from, and where the machine stands now.

Plain Python. A line of descent keeps its column; what branches off is set in. Parents come from Proxmox and may be
missing or go in a circle: every snapshot is shown once all the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Kept = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Line:
    """One snapshot, or the machine as it is now (`is_now`, without a name). `rail` sets branches in."""

    name: str = ""
    parent: str = ""
    taken_at: datetime | None = None
    with_memory: bool = False
    memory_gib: int = 0
    note: str = ""
    by: str = ""
    rail: str = ""
    is_now: bool = False


def lines(kept: Kept, stands_on: str) -> list[Line]:
    """All snapshots and Now, in the order of a page. `stands_on`: the snapshot the machine came from, or empty."""
    return _Tree(kept, stands_on).lines()


class _Tree:
    def __init__(self, kept: Kept, stands_on: str) -> None:
        self.kept, self.shown = kept, set[str]()
        self.parents = {one["name"]: one["parent"] for one in kept}
        self.stands_on = stands_on if stands_on in self.parents else ""
        self.way = self._way()
        self.children: dict[str, list[Mapping[str, Any]]] = {}
        for one in sorted(kept, key=lambda one: (one["taken_at"], one["name"])):
            parent = one["parent"] if one["parent"] in self.parents else ""
            self.children.setdefault(parent, []).append(one)

    def lines(self) -> list[Line]:
        """What hangs in a circle of parents comes last."""
        found = list(self._below("", 0))
        found += [_line(one, "") for one in self.kept if one["name"] not in self.shown]
        return found if any(line.is_now for line in found) else [*found, Line(parent=self.stands_on, is_now=True)]

    def _way(self) -> set[str]:
        """The names from the first snapshot to where the machine stands."""
        way, name = set[str](), self.stands_on
        while name in self.parents and name not in way:
            way.add(name)
            name = self.parents[name]
        return way

    def _below(self, name: str, depth: int) -> Iterator[Line]:
        """Branches first, set in; then what leads to now, or else the youngest, in the same column."""
        here, is_here = self.children.get(name, []), name == self.stands_on
        straight = None if is_here or not here else next((one for one in here if one["name"] in self.way), here[-1])
        for one in here:
            if one is not straight:
                yield from self._walk(one, depth + 1, begins=True)
        if straight is not None:
            yield from self._walk(straight, depth)
        if is_here:
            yield Line(parent=name, rail=_rail(depth), is_now=True)

    def _walk(self, one: Mapping[str, Any], depth: int, *, begins: bool = False) -> Iterator[Line]:
        if one["name"] not in self.shown:
            self.shown.add(one["name"])
            yield _line(one, _rail(depth, begins=begins))
            yield from self._below(one["name"], depth)


def _rail(depth: int, *, begins: bool = False) -> str:
    """Non-breaking blanks, and the corner where a branch begins."""
    return "\u00a0\u00a0" * (depth - 1) + ("└\u00a0" if begins else "\u00a0\u00a0") if depth else ""


def _line(one: Mapping[str, Any], rail: str) -> Line:
    return Line(
        name=one["name"],
        parent=one["parent"],
        taken_at=moment(one),
        with_memory=one["with_memory"],
        memory_gib=one["memory_gib"],
        note=one["note"],
        by=one["by"],
        rail=rail,
    )


def moment(one: Mapping[str, Any]) -> datetime | None:
    """When it was taken; None where Proxmox did not say."""
    return datetime.fromisoformat(one["taken_at"]) if one["taken_at"] else None


def newer(kept: Kept, one: Mapping[str, Any]) -> list[str]:
    """Names of snapshots taken after this one, oldest first."""
    later = [other for other in kept if other["taken_at"] > one["taken_at"]]
    return [other["name"] for other in sorted(later, key=lambda other: other["taken_at"])]
