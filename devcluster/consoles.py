"""Consoles: the port a vncproxy call opens, the one connection it takes, and the worker process it runs in.

`ConsoleDesk` knows who waits and who is connected. What travels on a connection is `devcluster.console_socket`'s.
"""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

from devcluster.clock import Clock
from devcluster.faults import Faults
from devcluster.jobs import Job, JobFailed, Jobs
from devcluster.machines import MachineRoom
from devcluster.refusals import failed
from devcluster.settings import Settings
from devcluster.state import Cluster, ConsoleSession, Guest, Identity
from devcluster.tickets import Terms, make_password, make_ticket, ticket_fits

WORKERS = 3
PORTS = range(5900, 6000)
PORT_RESERVED_S = 5.0

# The TCP port a request came in at: consoles belong to the host that was asked, and a host is a port here.
arrived_at: ContextVar[int] = ContextVar("arrived_at", default=0)


class Stream(Protocol):
    """An open console connection."""

    def drop(self) -> None:
        """End it at once, without a word."""


@dataclass(eq=False)
class Console:
    """One vncproxy call. `row` is what the control interface shows of it."""

    row: ConsoleSession
    listener: int
    password: str
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    stream: Stream | None = None
    complaint: str | None = None

    def end(self, complaint: str | None = None) -> None:
        """The connection is over; `complaint` is why it never showed a screen."""
        if self.ended.is_set():
            return
        self.complaint = complaint
        self.row.state = "ended"
        self.stream = None
        self.ended.set()


@dataclass
class Worker:
    """One of the three processes that answer; it takes its consoles with it."""

    number: int
    streams: set[Stream] = field(default_factory=set)


class ConsoleDesk:
    def __init__(
        self, settings: Settings, clock: Clock, cluster: Cluster, *, jobs: Jobs, faults: Faults, room: MachineRoom
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.cluster = cluster
        self.room = room
        self._jobs = jobs
        self._faults = faults
        self._workers = [Worker(number) for number in range(WORKERS)]
        self._next_worker = 0
        self._waiting: dict[tuple[int, int], Console] = {}
        self._open: set[Console] = set()
        self._deaf: set[int] = set()
        #: Since the stand-in started; a reset between two tests does not forget them.
        self.opened_ever = self.deaths_ever = 0

    # vncproxy

    def open(self, guest: Guest, who: Identity) -> tuple[Console, str]:
        """A port that waits for one connection, and the bare ticket for it. Raises the 500 of a host without one."""
        listener, now = arrived_at.get(), self.clock.now()
        port = self._free_port(listener, now)
        row = ConsoleSession(guest.vmid, guest.node, port, who.authid, "", now)
        console = Console(row, listener, make_password())
        self._waiting[listener, port] = console
        self.cluster.consoles.append(row)
        row.upid = self._jobs.start(
            guest.node, "vncproxy", str(guest.vmid), who, lambda job: self._serve(console, job)
        ).upid
        bound = None if self.settings.old_vnc_tickets else port
        return console, make_ticket(Terms(self.cluster.secret, who.authid, guest.vmid, bound), now=now)

    def _free_port(self, listener: int, now: float) -> int:
        busy = {
            port
            for (at, port), console in self._waiting.items()
            if at == listener and (self._listens(console) or now - console.row.made_at < PORT_RESERVED_S)
        }
        free = next((port for port in PORTS if port not in busy), None)
        if free is None:
            raise failed(f"unable to find free port ({PORTS[0]}-{PORTS[-1]})")
        return free

    def _listens(self, console: Console) -> bool:
        age_s = self.clock.now() - console.row.made_at
        return console.row.state == "waiting" and age_s <= self.settings.windows.vnc_connect_window

    async def _serve(self, console: Console, job: Job) -> None:
        """The vncproxy task: a window for one connection, then as long as the console lasts."""
        connected = asyncio.ensure_future(console.connected.wait())
        late = asyncio.ensure_future(self.clock.sleep(self.settings.windows.vnc_connect_window))
        try:
            await asyncio.wait({connected, late}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            connected.cancel()
            late.cancel()
        if not console.connected.is_set():
            console.row.state = "expired"
            raise JobFailed("connection timed out")
        await console.ended.wait()
        if console.complaint is not None:
            job.say(console.complaint)
            raise JobFailed("Failed to run vncproxy.")

    # vncwebsocket

    def ticket_fits(self, ticket: str, who: Identity, vmid: int, port: int) -> bool:
        bound = None if self.settings.old_vnc_tickets else port
        expected = Terms(self.cluster.secret, who.authid, vmid, bound)
        return ticket_fits(ticket, expected, now=self.clock.now(), valid_s=self.settings.windows.ticket_valid)

    def connect(self, listener: int, port: int, stream: Stream) -> Console | None:
        """The console behind that port of that host; None if nobody listens there (any more)."""
        console = self._waiting.get((listener, port))
        if console is None or not self._listens(console):
            return None
        console.stream = stream
        console.row.state = "open"
        console.row.extra["worker"] = self.worker_of(stream)
        console.connected.set()
        self._open.add(console)
        self.opened_ever += 1
        return console

    def guest_of(self, console: Console) -> Guest | None:
        return self.cluster.guests.get(console.row.vmid)

    def loses_stream(self, vmid: int) -> bool:
        return self._faults.of("drop_stream", vmid=vmid) is not None

    # worker processes

    def join(self, stream: Stream) -> None:
        """A new connection lands on one of the workers, in turn."""
        self._workers[self._next_worker].streams.add(stream)
        self._next_worker = (self._next_worker + 1) % WORKERS

    def leave(self, stream: Stream) -> None:
        for worker in self._workers:
            worker.streams.discard(stream)

    def worker_of(self, stream: Stream) -> int:
        return next((worker.number for worker in self._workers if stream in worker.streams), -1)

    def count_death(self) -> None:
        self.cluster.meters.worker_deaths += 1
        self.deaths_ever += 1

    def kill_worker_of(self, stream: Stream) -> None:
        """The process dies: every connection in it ends, whosever it is."""
        worker = next((worker for worker in self._workers if stream in worker.streams), None)
        for one in list(worker.streams) if worker else [stream]:
            one.drop()

    # what a test sees and does

    def measure(self, waiting_bytes: int) -> None:
        meters = self.cluster.meters
        meters.bytes_waiting_max = max(meters.bytes_waiting_max, waiting_bytes)

    def finish(self, console: Console, complaint: str | None = None) -> None:
        console.end(complaint)
        self._open.discard(console)

    def drop(self, vmid: int) -> int:
        """End the open streams of one machine; how many there were."""
        streams = [one.stream for one in self._open if one.row.vmid == vmid and one.stream is not None]
        for stream in streams:
            stream.drop()
        return len(streams)

    def set_deaf(self, vmid: int, deaf: bool) -> None:
        """A deaf console no longer reads what its client sends."""
        (self._deaf.add if deaf else self._deaf.discard)(vmid)

    def is_deaf(self, vmid: int) -> bool:
        return vmid in self._deaf

    def close(self) -> None:
        """End every stream; waiting ports close. Used at the end and between tests."""
        for worker in self._workers:
            for stream in list(worker.streams):
                stream.drop()
        for console in self._waiting.values():
            console.row.state = "expired" if console.row.state == "waiting" else console.row.state
        self._waiting.clear()
        self._deaf.clear()
