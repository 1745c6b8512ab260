"""What the gateway's calls need of a connection; `client.py` has the one that speaks to Proxmox."""

from dataclasses import dataclass
from typing import Any, Protocol

from vms.cluster.config import ClusterConfig, Host

#: A parameter of a call. Booleans are sent as 1 and 0, None is left out.
Value = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host answered, and which."""

    content: Any
    host: Host


class Line(Protocol):
    """Calls to one cluster. `parts` are the path's elements."""

    config: ClusterConfig

    def get(self, *parts: str | int, **parameters: Value) -> Any:
        """Read. Repeated where that is safe; raises Unreachable, Denied or another refusal."""

    def change(
        self, method: str, *parts: str | int, options: dict[str, Value] | None = None, host: Host | None = None
    ) -> Answer:
        """POST, PUT or DELETE; sent once. OutcomeUnknown where the answer was lost. `host`: ask that one alone."""
