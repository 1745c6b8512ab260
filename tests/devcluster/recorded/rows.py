"""Recorded calls, and the renaming that proves the stand-in knows none of their names."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

SKIPPED_CALLS = re.compile(r"/(vzdump|migrate|move_disk)$|(POST|DELETE) /storage")


@dataclass(frozen=True)
class Row:
    """One recorded call. `path` is without the API prefix and decoded; `body` is "" where there was none."""

    name: str
    release: str
    method: str
    path: str
    params: dict[str, Any]
    auth: str
    status: int
    reason: str
    body: Any

    @property
    def is_of_task(self) -> bool:
        return self.name.endswith((".task", ".tasklog"))

    @property
    def stem(self) -> str:
        """The name without the number of the attempt."""
        return re.sub(r"\.\d+$", "", self.name)


def read_rows(folder: Path) -> list[Row]:
    """Every complete row about a call the portal makes or its administrator makes for it."""
    rows: list[Row] = []
    for file in sorted(folder.glob("traces-*.jsonl")):
        release = "8.4" if "-8.4" in file.name else "9.2"
        for line in file.read_text(encoding="utf-8").splitlines():
            row = _row(json.loads(line), release)
            if row is not None and not SKIPPED_CALLS.search(f"{row.method} {row.path}"):
                rows.append(row)
    return rows


def _row(found: dict[str, Any], release: str) -> Row | None:
    """None for summaries, and for answers that were too long to keep."""
    if "path" not in found or "body" not in found:
        return None
    return Row(
        name=found["name"],
        release=release,
        method=found["method"],
        path=unquote(found["path"]).removeprefix("/api2/json"),
        params=found["params"] or {},
        auth=found["auth"],
        status=found["status"],
        reason=found["reason"],
        body=found["body"],
    )


@dataclass(frozen=True)
class Names:
    """Other vmids and other names for everything that was recorded; the identity by default."""

    vmid_offset: int = 0
    words: dict[str, str] = field(default_factory=dict)

    VMIDS = re.compile(r"(?<!\d)(1[0-9]\d|200|300|302|303|555|556|999)(?!\d)")

    def text(self, text: str) -> str:
        for old, new in self.words.items():
            text = re.sub(rf"(?<![\w-]){re.escape(old)}(?![\w-])", new, text)
        return text

    def path(self, path: str) -> str:
        parts = self.text(path).split("/")
        return "/".join(self._vmid(part) for part in parts)

    def _vmid(self, text: str) -> str:
        return self.VMIDS.sub(lambda found: str(int(found[1]) + self.vmid_offset), text)

    def sentence(self, text: str) -> str:
        """Vmids stand in many forms in a sentence; numbers of privileges and limits do not look like them."""
        return self._vmid(self.text(text))

    def params(self, params: dict[str, Any]) -> dict[str, Any]:
        return {key: self._param(key, value) for key, value in params.items()}

    def _param(self, key: str, value: Any) -> Any:
        if key in ("vmid", "newid") and isinstance(value, int) and value >= 100:
            return value + self.vmid_offset
        if key in ("vms", "path") and isinstance(value, str):
            return self.sentence(value)
        return self.text(value) if isinstance(value, str) and len(value) < 1000 else value


PLAIN = Names()
RENAMED = Names(
    41_000,
    {
        "pve1": "node-a",
        "pve2": "node-b",
        "pve3": "node-c",
        "vmstore": "bigstore",
        "p1": "course7",
        "p2": "course8",
        "c1": "club",
        "px": "extra",
        "alice": "dora",
        "svc": "robot",
        "svc2": "robot2",
        "vmbr0": "vmbr5",
        "vm100": "machine",
        "tmpl": "pattern",
    },
)
