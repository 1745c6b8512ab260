"""Everything one running stand-in consists of, handed to each call."""

from copy import deepcopy
from dataclasses import dataclass, field
from random import Random
from typing import Any

from devcluster.access import Access
from devcluster.clock import Clock
from devcluster.consoles import ConsoleDesk
from devcluster.faults import Faults
from devcluster.jobs import FAILS, Job, Jobs
from devcluster.machines import MachineRoom
from devcluster.refusals import failed, no_config
from devcluster.settings import Settings
from devcluster.state import Cluster, Guest, Reported


@dataclass
class Site:
    settings: Settings
    clock: Clock
    cluster: Cluster
    jobs: Jobs
    faults: Faults
    room: MachineRoom
    access: Access
    desk: ConsoleDesk
    certificate: str = ""
    control_token: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    random: Random = field(default_factory=Random)
    first_windows: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.first_windows = deepcopy(vars(self.settings.windows))

    def guest(self, node: str, vmid: int) -> Guest:
        """The machine in that slot on that node. Raises the 500 the real one answers when it is not there."""
        guest = self.cluster.guests.get(vmid)
        if guest is None or guest.node != node:
            raise failed(no_config(node, vmid))
        return guest

    def touch(self, guest: Guest) -> None:
        """Something the status daemon will only report in its next round."""
        if guest.dirty_since is None:
            guest.dirty_since = self.clock.now()

    def effect(self, verb: str, guest: Guest, job: Job | None = None) -> None:
        self.cluster.record(verb, guest, job.upid if job else "", self.clock.now())
        self.touch(guest)

    def reported(self, guest: Guest) -> Reported | None:
        """What /cluster/resources knows about a guest: up to one round old, nothing before its first round."""
        now = self.clock.now()
        due = guest.dirty_since is not None and now - guest.dirty_since >= self.settings.windows.resources_lag
        if due:
            guest.reported = self.report(guest)
            guest.dirty_since = None
        return guest.reported

    def report(self, guest: Guest) -> Reported:
        now = self.clock.now()
        uptime_s = int(now - guest.started_at) if guest.started_at is not None else 0
        cores = min(guest.cores, self.cluster.nodes[guest.node].cores) if guest.node in self.cluster.nodes else 1
        return Reported(
            guest.power,
            guest.name,
            cores,
            guest.memory_mib,
            guest.boot_disk_bytes,
            guest.is_template,
            uptime_s,
            now,
        )


def make_site(settings: Settings, cluster: Cluster, room: MachineRoom, clock: Clock | None = None) -> Site:
    clock = clock or Clock()
    faults, jobs = Faults(), Jobs(clock)
    access = Access(cluster, settings, faults)
    desk = ConsoleDesk(settings, clock, cluster, jobs=jobs, faults=faults, room=room)
    site = Site(settings, clock, cluster, jobs, faults, room, access, desk)
    site.jobs.fate = lambda job: _fate(faults, job)
    return site


def _fate(faults: Faults, job: Job) -> str | None:
    never = faults.of("task_never_ends", type=job.type) or faults.of("task_never_ends", type=None)
    if never is not None and never.times != 0:
        faults.use(never)
        return "never"
    fails = faults.of("task_fails", type=job.type)
    if fails is not None and fails.times != 0:
        faults.use(fails)
        return f"{FAILS}{fails.details.get('exitstatus', 'it failed')}"
    ends = faults.of("task_ends", type=job.type)
    if ends is not None and ends.times != 0:
        faults.use(ends)
        return str(ends.details.get("exitstatus", "unexpected status"))
    return None
