"""Things that go wrong on demand. Every fault is data; the places that obey it ask here."""

import re
from dataclasses import dataclass, field
from typing import Any

KINDS = frozenset(
    [
        "node_down",
        "node_hang",
        "daemon_down",
        "slow",
        "error500",
        "lose_before",
        "lose_after",
        "cut_mid_answer",
        "locked",
        "task_never_ends",
        "task_ends",
        "task_fails",
        "drop_stream",
        "narrow_token",
        "resources_empty",
        "resources_half",
        "resources_foreign",
        "no_quorum",
    ]
)


@dataclass
class Fault:
    """`times` counts down with every use; None never runs out."""

    id: int
    kind: str
    details: dict[str, Any] = field(default_factory=dict)
    times: int | None = None
    since: float = 0.0
    used: int = 0

    def matches(self, method: str, path: str) -> bool:
        """Whether a call is meant: `match` = {"method", "path_regex", "vmid"}, all optional."""
        match = self.details.get("match") or {}
        if match.get("method", method).upper() != method:
            return False
        if match.get("vmid") is not None and f"/{match['vmid']}" not in path:
            return False
        return re.search(match.get("path_regex", ""), path) is not None


class Faults:
    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._next = 1

    def add(self, kind: str, details: dict[str, Any], since: float) -> Fault:
        """Raises ValueError for an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"no such fault: {kind}")
        fault = Fault(self._next, kind, details, details.get("times"), since)
        self._faults[fault.id] = fault
        self._next += 1
        return fault

    def remove(self, fault_id: int) -> bool:
        return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        self._faults.clear()

    def all(self) -> list[Fault]:
        return list(self._faults.values())

    def of(self, kind: str, **wanted: Any) -> Fault | None:
        """The first live fault of this kind whose named details are equal."""
        for fault in self._faults.values():
            if fault.kind == kind and all(fault.details.get(name) == value for name, value in wanted.items()):
                return fault
        return None

    def for_call(self, kind: str, method: str, path: str) -> Fault | None:
        """A fault of this kind that meets this call; using it counts."""
        for fault in self._faults.values():
            if fault.kind == kind and fault.times != 0 and fault.matches(method, path):
                self.use(fault)
                return fault
        return None

    def use(self, fault: Fault) -> None:
        fault.used += 1
        if fault.times is not None:
            fault.times -= 1
