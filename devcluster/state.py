"""The whole truth of the pretended cluster: plain data, no behaviour that takes time."""

import asyncio
import re
import secrets
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal

from devcluster.drives import GIB, boot_disk_bytes

Power = Literal["stopped", "running", "paused"]

CLOUD_INIT_KEY = re.compile(r"ci(user|password|type|upgrade|custom)|sshkeys|nameserver|searchdomain|ipconfig\d+")
UUID = re.compile(r"uuid=([0-9a-fA-F-]{36})")


@dataclass
class Node:
    name: str
    number: int
    cores: int = 16
    memory_bytes: int = 64 * GIB
    disk_bytes: int = 100 * GIB
    online: bool = True


@dataclass
class Volume:
    volid: str
    content: str
    format: str
    size_bytes: int
    vmid: int | None = None
    base: str | None = None
    ctime: int = 0


@dataclass
class Storage:
    """`volumes` is keyed by (node, volid); a shared storage keeps all of them under the node ''."""

    storage: str
    type: str
    content: tuple[str, ...]
    shared: bool
    nodes: tuple[str, ...]
    total_bytes: int = 500 * GIB
    volumes: dict[tuple[str, str], Volume] = field(default_factory=dict)

    def place(self, node: str) -> str:
        return "" if self.shared else node

    def on(self, node: str) -> list[Volume]:
        return [volume for (place, _), volume in self.volumes.items() if place == self.place(node)]

    def volume(self, node: str, volid: str) -> Volume | None:
        return self.volumes.get((self.place(node), volid))


@dataclass
class Snapshot:
    name: str
    description: str
    taken_at: int
    config: dict[str, str]
    parent: str | None = None
    with_memory: bool = False


@dataclass
class Reported:
    """What the node's status daemon last told the cluster about a guest; None before its first round."""

    status: str
    name: str
    cores: int
    memory_mib: int
    disk_bytes: int
    template: bool
    uptime_s: int
    at: float


@dataclass(eq=False)
class Guest:
    """A virtual machine. `config` holds applied values as Proxmox writes them (text), `pending` what waits for a
    restart (None = to be deleted). Two guests are the same only if they are the same object: a vmid is a slot."""

    vmid: int
    node: str
    config: dict[str, str]
    power: Power = "stopped"
    pending: dict[str, str | None] = field(default_factory=dict)
    snapshots: list[Snapshot] = field(default_factory=list)
    created: float = 0.0
    started_at: float | None = None
    ran: list[tuple[float, float]] = field(default_factory=list)
    reported: Reported | None = None
    dirty_since: float | None = None
    obeys_shutdown: bool = False
    in_image: dict[str, str] = field(default_factory=dict)
    agent_tells: dict[str, Any] = field(default_factory=dict)
    lends_ssh: bool = False
    pid: int = 0
    file_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    went_down: asyncio.Event = field(default_factory=asyncio.Event)

    def burn_image(self) -> None:
        """The cloud-init drive is written anew with the options as they are."""
        self.in_image = {key: value for key, value in self.config.items() if CLOUD_INIT_KEY.match(key)}

    @property
    def name(self) -> str:
        return self.config.get("name", f"VM {self.vmid}")

    @property
    def uuid(self) -> str:
        found = UUID.search(self.config.get("smbios1", ""))
        return found.group(1).lower() if found else ""

    @property
    def description(self) -> str:
        return self.config.get("description", "")

    @property
    def lock(self) -> str | None:
        return self.config.get("lock")

    @property
    def is_template(self) -> bool:
        return self.config.get("template") == "1"

    @property
    def boot_disk_bytes(self) -> int:
        return boot_disk_bytes(self.config)

    @property
    def cores(self) -> int:
        return int(self.config.get("cores", "1")) * int(self.config.get("sockets", "1"))

    @property
    def memory_mib(self) -> int:
        found = re.match(r"(?:current=)?(\d+)", self.config.get("memory", "512"))
        return int(found.group(1)) if found else 512


@dataclass
class Pool:
    """Membership of vmids that do not exist is kept, as in user.cfg."""

    poolid: str
    comment: str | None = None
    vmids: set[int] = field(default_factory=set)
    storages: set[str] = field(default_factory=set)


@dataclass
class Token:
    tokenid: str
    value: str
    privsep: bool = True
    comment: str | None = None
    expire: int = 0


@dataclass
class User:
    userid: str
    password: str | None = None
    enable: bool = True
    comment: str | None = None
    email: str | None = None
    tokens: dict[str, Token] = field(default_factory=dict)


@dataclass(frozen=True)
class AclEntry:
    """`ugid` is user@realm or user@realm!token."""

    path: str
    ugid: str
    roleid: str
    propagate: bool = True


@dataclass(frozen=True)
class Identity:
    """Who asks: `authid` is what tasks and tickets carry."""

    userid: str
    tokenid: str | None = None

    @property
    def authid(self) -> str:
        return f"{self.userid}!{self.tokenid}" if self.tokenid else self.userid


@dataclass
class Effect:
    """Something that really happened to a guest; tests count these, never answers."""

    n: int
    verb: str
    vmid: int
    node: str
    uuid: str
    upid: str
    at: float


@dataclass
class ConsoleSession:
    """One vncproxy call and what became of it: waiting, open, ended."""

    vmid: int
    node: str
    port: int
    authid: str
    upid: str
    made_at: float
    state: str = "waiting"
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Meters:
    requests: Counter[str] = field(default_factory=Counter)
    spent_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    worker_deaths: int = 0
    bytes_waiting_max: int = 0


@dataclass
class Cluster:
    """Everything there is. Jobs live beside it (devcluster.jobs), machines in the room (devcluster.machines)."""

    name: str = "devcluster"
    nodes: dict[str, Node] = field(default_factory=dict)
    storages: dict[str, Storage] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)
    guests: dict[int, Guest] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    roles: dict[str, frozenset[str]] = field(default_factory=dict)
    acl: list[AclEntry] = field(default_factory=list)
    bridges: tuple[str, ...] = ("vmbr0",)
    effects: list[Effect] = field(default_factory=list)
    consoles: list[ConsoleSession] = field(default_factory=list)
    meters: Meters = field(default_factory=Meters)
    generation: int = 0
    secret: str = field(default_factory=lambda: secrets.token_hex(32))

    def pool_of(self, vmid: int) -> str | None:
        return next((pool.poolid for pool in self.pools.values() if vmid in pool.vmids), None)

    def record(self, verb: str, guest: Guest, upid: str, at: float) -> None:
        self.effects.append(
            Effect(
                len(self.effects) + 1,
                verb,
                guest.vmid,
                guest.node,
                guest.uuid,
                upid,
                at,
            )
        )
