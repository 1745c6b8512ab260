"""One pass over the gateway: two requests for the whole cluster, then only what looks changed or is missing."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError, Denied, NotBound, Unreachable
from vms.cluster.types import ClusterReading, GuestConfig, GuestFacts, TaskFacts
from vms.mirror.diff import candidates, looks_changed, too_many
from vms.mirror.facts import Known, Reading
from vms.mirror.fetch import Fetched, fetch
from vms.mirror.known import volume_sizes

#: Settings read in one cycle at most; what is left looks changed in the next one too.
MOST_CONFIGS = 300
#: Missing machines asked after in one cycle at most.
MOST_MISSING = 50
#: How long a task may run and its end still be noticed by its list.
TASKS_BACK_S = 3600
#: Tasks whose end may have changed a machine's settings. A clone's task carries its template's slot.
TELLING_TASKS = frozenset({
    "qmconfig", "qmcreate", "qmrestore", "qmmove", "qmdestroy", "resize", "qmsnapshot", "qmdelsnapshot", "qmrollback",
    "qmtemplate", "qmigrate", "qmstart", "qmreboot", "qmstop", "qmshutdown", "qmreset",
})  # fmt: skip


def read(
    cluster: Cluster,
    known: Collection[Known],
    nodes_before: Collection[str],
    at: datetime,
    *,
    may_remove: bool = False,
) -> Reading:
    """One reading; never raises for what Proxmox does. `nodes_before`: nodes that the rows know."""
    before = cluster.line.requests
    try:
        listing = cluster.read()
    except Unreachable as error:
        found = Reading(at, answered=False, is_usable=False, note=f"Proxmox does not answer. {error.sentence}")
    except ClusterError as error:
        found = _unusable(at, f"Proxmox refuses the portal's token. {error.sentence}")
    else:
        why = _why_unusable(listing, nodes_before)
        passing = _Pass(cluster, listing, known, nodes_before, at, may_remove)
        found = _unusable(at, why) if why else passing.reading()
    return replace(found, requests=cluster.line.requests - before)


def _unusable(at: datetime, why: str) -> Reading:
    return Reading(at, is_usable=False, note=why, alarm=why)


def _why_unusable(listing: ClusterReading, nodes_before: Collection[str]) -> str:
    """Why this is not the cluster's list; empty where it is."""
    names = {node.name for node in listing.nodes}
    if not names:
        return "Proxmox listed no nodes at all. Nothing was changed."
    if nodes_before and not names & set(nodes_before):
        return "The list is another cluster's: none of the known nodes is in it. Nothing was changed."
    if any(guest.node not in names for guest in listing.guests):
        return "The list has machines on nodes that are not in it. Nothing was changed."
    return ""


@dataclass
class _Pass:
    cluster: Cluster
    listing: ClusterReading
    known: Collection[Known]
    nodes_before: Collection[str]
    at: datetime
    may_remove: bool

    def reading(self) -> Reading:
        online = {node.name for node in self.listing.nodes if node.is_online}
        silent = ({node.name for node in self.listing.nodes} | set(self.nodes_before)) - online
        listed = {guest.vmid for guest in self.listing.guests}
        missing = candidates(listed, self.known)
        asked = self._missing_to_ask(missing, online)
        changed = [(guest.node, guest.vmid) for guest in self._changed(online)]
        places = [*changed[:MOST_CONFIGS], *((row.node, row.vmid or 0) for row in asked)]
        found = fetch(self.cluster, places, settings.PENDING_SWEEP_PARALLEL) if places else Fetched()
        silent |= found.silent_nodes
        hidden = {row.vmid for row in asked if row.vmid in found.configs}
        alarm = self._why_incomplete(missing) if missing and not silent and not hidden else ""
        gone = {row.vmid for row in asked if row.vmid and self._is_gone(row, found)} if not alarm else set()
        note = alarm or _note(silent, len(hidden))
        return Reading(
            self.at,
            listing=self.listing,
            configs={vmid: config for vmid, config in sized(self.cluster, found.configs).items() if vmid in listed},
            gone=frozenset(gone),
            hidden=frozenset(vmid for vmid in hidden if vmid),
            silent_nodes=tuple(sorted(silent)),
            is_complete=not (silent or hidden or alarm),
            may_remove=self.may_remove,
            note=note,
            alarm=alarm or (note if hidden else ""),
        )

    def _missing_to_ask(self, missing: list[Known], online: set[str]) -> list[Known]:
        """Where many vanished at once nobody is asked after until an RTP has looked."""
        if too_many(len(missing), sum(not row.is_missing for row in self.known)) and not self.may_remove:
            return []
        return [row for row in missing if row.node in online][:MOST_MISSING]

    def _changed(self, online: set[str]) -> Iterable[GuestFacts]:
        by_vmid = {row.vmid: row for row in self.known if row.vmid}
        ended = self._ended_tasks(online)
        lag = timedelta(seconds=settings.LIST_LAG_S)
        for guest in self.listing.guests:
            row = by_vmid.get(guest.vmid)
            if guest.is_template or guest.node not in online or (row and row.lifecycle == "creating"):
                continue
            if looks_changed(guest, row, ended.get(guest.vmid), self.at, lag):
                yield guest

    def _ended_tasks(self, online: set[str]) -> Mapping[int, int]:
        """Slots with the newest end of a task that may have changed them."""
        since_s = int(self.at.timestamp()) - TASKS_BACK_S
        try:
            tasks = self.cluster.recent_tasks(tuple(sorted(online)), since_s)
        except ClusterError:
            return {}
        return _ends(tasks)

    def _why_incomplete(self, missing: list[Known]) -> str:
        """The self-test, made only when something is missing: quorum, and whether the token still sees there."""
        try:
            if not self.cluster.cluster_status().quorate:
                return "The cluster has no quorum."
        except Denied:
            pass  # all nodes are online, which is more than quorum
        except ClusterError as error:
            return f"Quorum is not known. {error.sentence}"
        try:
            rights = self.cluster.permissions()
        except ClusterError as error:
            return f"The token's rights are not known. {error.sentence}"
        unseen = {row.seen_poolid for row in missing if not may_see(rights, row.seen_poolid)}
        blind = sorted(poolid or "machines in no pool" for poolid in unseen)
        return f"The token may no longer see {', '.join(blind[:5])}." if blind else ""

    def _is_gone(self, row: Known, found: Fetched) -> bool:
        """Whether Proxmox says that the slot is empty.

        A token with rights on pools alone is denied what is in no pool: then the pool's own list has to lack it.
        """
        if row.vmid in found.empty:
            return True
        if row.vmid not in found.denied or not row.seen_poolid:
            return False
        try:
            return row.vmid not in self.cluster.pool_members(row.seen_poolid)
        except NotBound:
            return True
        except ClusterError:
            return False


def _ends(tasks: Iterable[TaskFacts]) -> dict[int, int]:
    ends: dict[int, int] = {}
    for task in tasks:
        vmid = task.upid.vmid
        if vmid is not None and task.ended_at_s is not None and task.upid.type in TELLING_TASKS:
            ends[vmid] = max(task.ended_at_s, ends.get(vmid, 0))
    return ends


def may_see(rights: Mapping[str, frozenset[str]], poolid: str) -> bool:
    """Whether the token sees machines in that pool: by all machines, or by the pool or what it is nested in."""
    for path in ("/vms", "/"):
        if path in rights:
            if "VM.Audit" in rights[path]:
                return True
            break
    parts = ["pool", *poolid.split("/")] if poolid else []
    for depth in range(len(parts), 0, -1):
        held = rights.get("/" + "/".join(parts[:depth]))
        if held is not None:
            return "VM.Audit" in held
    return False


def sized(cluster: Cluster, configs: Mapping[int, GuestConfig]) -> dict[int, GuestConfig]:
    """The same settings with the sizes of detached volumes, from our rows or else from their storage's list."""
    unsized = {vmid: config for vmid, config in configs.items() if config.unsized_slots}
    if not unsized:
        return dict(configs)
    sizes = volume_sizes(unsized)
    for config in unsized.values():
        unsized_disks = (disk for disk in config.disks if disk.slot in config.unsized_slots)
        for storage in {disk.storage for disk in unsized_disks if disk.volume not in sizes}:
            sizes |= _listed_sizes(cluster, config.node, storage)
    return dict(configs) | {vmid: _with_sizes(config, sizes) for vmid, config in unsized.items()}


def _listed_sizes(cluster: Cluster, node: str, storage: str) -> dict[str, int]:
    try:
        found = cluster.volumes(node, storage, "images")
    except ClusterError:
        return {}
    return {volume.volid: volume.size_bytes for volume in found if volume.size_bytes is not None}


def _with_sizes(config: GuestConfig, sizes: Mapping[str, int]) -> GuestConfig:
    disks = tuple(
        replace(disk, size_bytes=sizes.get(disk.volume)) if disk.size_bytes is None else disk for disk in config.disks
    )
    return replace(config, disks=disks)


def _note(silent: Collection[str], hidden: int) -> str:
    if hidden:
        return f"Proxmox's list leaves out machines that exist ({hidden} asked one by one)."
    if silent:
        return f"No answer from {', '.join(sorted(silent))}."
    return ""
