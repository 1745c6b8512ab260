"""A Proxmox task's name: UPID:node:pid:pstart:starttime:type:id:user: with hexadecimal numbers."""

import re
from dataclasses import dataclass
from typing import Self

UPID = re.compile(
    r"UPID:(?P<node>[A-Za-z0-9][A-Za-z0-9-]*):(?P<pid>[0-9A-Fa-f]{8}):(?P<pstart>[0-9A-Fa-f]{8,9})"
    r":(?P<started>[0-9A-Fa-f]{8}):(?P<type>[^:\s/?#]+):(?P<id>[^:\s/?#]*):(?P<user>[^:\s/?#]+):"
)


@dataclass(frozen=True, slots=True)
class Upid:
    """`started_at_s` counts seconds since 1970; `user` carries `!token` where a token asked."""

    node: str
    pid: int
    pstart: int
    started_at_s: int
    type: str
    id: str
    user: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The parts of a UPID; ValueError for anything else."""
        match = UPID.fullmatch(text)
        if match is None:
            raise ValueError("this is not the name of a Proxmox task")
        pid, pstart, started = (int(match[part], 16) for part in ("pid", "pstart", "started"))
        return cls(match["node"], pid, pstart, started, match["type"], match["id"], match["user"])

    @property
    def vmid(self) -> int | None:
        """The slot the task is about; for a clone that is the template's. None for tasks about no machine."""
        return int(self.id) if self.id.isdecimal() else None

    def __str__(self) -> str:
        numbers = f"{self.pid:08X}:{self.pstart:08X}:{self.started_at_s:08X}"
        return f"UPID:{self.node}:{numbers}:{self.type}:{self.id}:{self.user}:"
