"""What can be set when the stand-in starts: release profile, windows in seconds, durations of tasks."""

import json
from dataclasses import dataclass, field, fields
from typing import Any, Literal

Profile = Literal["8.4.1", "8.4", "9.2"]

VERSIONS: dict[str, dict[str, str]] = {
    "8.4.1": {"release": "8.4", "version": "8.4.1", "repoid": "2a4d8c11e907b6f3"},
    "8.4": {"release": "8.4", "version": "8.4.21", "repoid": "4e1a9d2c7b60f358"},
    "9.2": {"release": "9.2", "version": "9.2.11", "repoid": "b7c05e31fa92846d"},
}

# Seconds a worker needs on a small idle node. Clones are linked unless told otherwise.
DURATIONS_S: dict[str, float] = {
    "qmstart": 1.2,
    "qmstop": 0.8,
    "qmshutdown": 0.5,
    "qmreboot": 0.6,
    "qmreset": 0.1,
    "qmpause": 0.1,
    "qmresume": 0.1,
    "qmcreate": 0.5,
    "clone_claim": 0.1,
    "qmclone": 1.5,
    "qmclone_full": 6.0,
    "qmdestroy": 0.7,
    "qmconfig": 0.2,
    "qmtemplate": 0.3,
    "qmsnapshot": 0.5,
    "qmrollback": 0.8,
    "qmdelsnapshot": 0.5,
    "qmmove": 1.0,
    "resize": 0.3,
    "vncproxy": 0.0,
}


@dataclass
class Windows:
    """Every period of the real thing, in seconds. Tests pass shorter ones."""

    vnc_connect_window: float = 10.0
    ticket_valid: float = 40.0
    vnc_password_valid: float = 30.0
    vnc_idle_cut: float = 900.0
    vnc_start_delay: float = 1.5
    vnc_stopped_eof: float = 1.1
    resources_lag: float = 10.0
    auth_delay: float = 3.0
    lock_wait: float = 10.0
    proxy_timeout: float = 30.0
    connect_fail: float = 3.0
    upgrade_silence: float = 5.0
    agent_wait: float = 3.0
    shutdown_timeout: float = 180.0
    login_valid: float = 7200.0
    jobs_scale: float = 1.0
    durations: dict[str, float] = field(default_factory=lambda: dict(DURATIONS_S))

    def job_s(self, kind: str) -> float:
        """How long the worker of this type takes, after scaling."""
        return self.durations.get(kind, 0.2) * self.jobs_scale

    @classmethod
    def from_mapping(cls, given: dict[str, Any]) -> "Windows":
        """Windows from the --windows option. Unknown names and task types are refused by ValueError."""
        windows = cls()
        windows.change(given)
        return windows

    def change(self, given: dict[str, Any]) -> None:
        """Set the named periods. Raises ValueError for unknown names."""
        names = {one.name for one in fields(self)} - {"durations"}
        for name, value in given.items():
            if name == "durations":
                self.durations.update({kind: float(seconds) for kind, seconds in value.items()})
            elif name in self.durations:
                self.durations[name] = float(value)
            elif name in names:
                setattr(self, name, float(value))
            else:
                raise ValueError(f"no such window: {name}")

    @classmethod
    def from_json(cls, text: str) -> "Windows":
        return cls.from_mapping(json.loads(text or "{}"))


@dataclass
class Settings:
    profile: Profile = "9.2"
    windows: Windows = field(default_factory=Windows)
    seed: str = "test"

    @property
    def old_vnc_tickets(self) -> bool:
        """Before April 2026: the ticket names no port, and a password only comes on request."""
        return self.profile == "8.4.1"

    @property
    def major(self) -> int:
        return int(self.profile.split(".")[0])
