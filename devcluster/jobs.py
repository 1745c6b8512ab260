"""Worker tasks: each has a UPID, a log and an end. Only the end says what happened."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from devcluster.clock import Clock
from devcluster.state import Identity

UPID = re.compile(
    r"UPID:(?P<node>[A-Za-z0-9][A-Za-z0-9-]*):(?P<pid>[0-9A-F]{8}):(?P<pstart>[0-9A-F]{8,9})"
    r":(?P<starttime>[0-9A-F]{8}):(?P<type>[^:\s]+):(?P<id>[^:\s]*):(?P<user>[^:\s]+):$"
)


class JobFailed(Exception):
    """The worker died with this text; it becomes the task's exit status."""


@dataclass
class Job:
    upid: str
    node: str
    pid: int
    pstart: int
    starttime: int
    type: str
    id: str
    who: Identity
    log: list[str] = field(default_factory=list)
    endtime: int | None = None
    exitstatus: str | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def running(self) -> bool:
        return self.exitstatus is None

    def say(self, line: str) -> None:
        self.log.extend(line.split("\n"))


Work = Callable[[Job], Awaitable[None]]
# Asked before a worker runs: an exit text it must end with, the word "never", or None for the truth.
Fate = Callable[[Job], str | None]
#: A fate that begins so: nothing is done, and the task ends with the rest of it.
FAILS = "fails: "


def no_fate(job: Job) -> str | None:
    return None


class Jobs:
    """All tasks of the cluster, newest last; the workers of running ones are asyncio tasks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._next_pid = 0x1000
        self.fate: Fate = no_fate

    def find(self, upid: str) -> Job | None:
        return self._jobs.get(upid)

    def all(self) -> list[Job]:
        return list(self._jobs.values())

    def add(self, job: Job) -> None:
        self._jobs[job.upid] = job

    def start(self, node: str, kind: str, about: str, who: Identity, work: Work) -> Job:
        """A worker is forked and its UPID is known before it has done anything."""
        job = self.begin(node, kind, about, who)
        task = asyncio.create_task(self._run(job, work), name=job.upid)
        self._tasks[job.upid] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.upid, None))
        return job

    def begin(self, node: str, kind: str, about: str, who: Identity) -> Job:
        """A task that is listed as running, with no worker behind it."""
        self._next_pid += 7
        pid, at = self._next_pid, self._clock.now()
        pstart = int(at * 100) & 0x0FFFFFFF
        upid = f"UPID:{node}:{pid:08X}:{pstart:08X}:{int(at):08X}:{kind}:{about}:{who.authid}:"
        job = Job(upid, node, pid, pstart, int(at), kind, about, who)
        self._jobs[upid] = job
        return job

    async def _run(self, job: Job, work: Work) -> None:
        fate = self.fate(job)
        try:
            if fate == "never":
                await asyncio.Event().wait()
            if fate and fate.startswith(FAILS):
                raise JobFailed(fate.removeprefix(FAILS))
            await work(job)
            end = fate or "OK"
        except JobFailed as failure:
            end = str(failure)
        except asyncio.CancelledError:
            self.finish(job, "received interrupt")
            raise
        self.finish(job, end)

    def finish(self, job: Job, exitstatus: str) -> None:
        job.endtime = int(self._clock.now())
        job.exitstatus = exitstatus
        job.say("TASK OK" if exitstatus == "OK" else f"TASK ERROR: {exitstatus}")
        job.ended.set()

    async def abort(self, job: Job) -> None:
        """Interrupt one worker and wait until it is gone."""
        task = self._tasks.get(job.upid)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if job.running:
            self.finish(job, "unexpected status")

    async def close(self) -> None:
        """Interrupt every worker that still runs."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def clear(self) -> None:
        self._jobs.clear()
