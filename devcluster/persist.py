"""Keeping the cluster in a file across restarts: state.json, mode 0600, replaced whole."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from devcluster.jobs import Job, Jobs
from devcluster.state import (
    AclEntry,
    Cluster,
    Guest,
    Identity,
    Node,
    Pool,
    Snapshot,
    Storage,
    Token,
    User,
    Volume,
)

KEPT_JOBS = 300
FORMAT = 1


def dump(cluster: Cluster, jobs: Jobs) -> dict[str, Any]:
    """Plain data; what runs is not kept, a machine that ran is found switched off."""
    finished = [job for job in jobs.all() if not job.running][-KEPT_JOBS:]
    return {
        "format": FORMAT,
        "secret": cluster.secret,
        "nodes": [asdict(node) for node in cluster.nodes.values()],
        "storages": [_storage(one) for one in cluster.storages.values()],
        "pools": [
            asdict(pool) | {"vmids": sorted(pool.vmids), "storages": sorted(pool.storages)}
            for pool in cluster.pools.values()
        ],
        "guests": [_guest(guest) for guest in cluster.guests.values()],
        "users": [asdict(user) for user in cluster.users.values()],
        "roles": {name: sorted(held) for name, held in cluster.roles.items()},
        "acl": [asdict(entry) for entry in cluster.acl],
        "jobs": [_job(job) for job in finished],
    }


def _storage(storage: Storage) -> dict[str, Any]:
    volumes = [{"place": place, **asdict(volume)} for (place, _), volume in storage.volumes.items()]
    plain = {name: getattr(storage, name) for name in ("storage", "type", "content", "shared", "nodes", "total_bytes")}
    return plain | {"volumes": volumes}


def _guest(guest: Guest) -> dict[str, Any]:
    names = ("vmid", "node", "config", "pending", "created", "obeys_shutdown", "in_image")
    return {name: getattr(guest, name) for name in names} | {"snapshots": [asdict(one) for one in guest.snapshots]}


def _job(job: Job) -> dict[str, Any]:
    names = ("upid", "node", "pid", "pstart", "starttime", "type", "id", "log", "endtime", "exitstatus")
    return {name: getattr(job, name) for name in names} | {"who": asdict(job.who)}


def load(state: dict[str, Any], jobs: Jobs) -> Cluster:
    """The inverse of dump. Locks of workers that died with the last run are gone, as after `qm unlock`."""
    cluster = Cluster(secret=state["secret"])
    cluster.nodes = {one["name"]: Node(**one) for one in state["nodes"]}
    for one in state["storages"]:
        volumes = one.pop("volumes")
        one |= {"content": tuple(one["content"]), "nodes": tuple(one["nodes"])}
        storage = Storage(**one)
        for volume in volumes:
            place = volume.pop("place")
            storage.volumes[place, volume["volid"]] = Volume(**volume)
        cluster.storages[storage.storage] = storage
    for one in state["pools"]:
        pool = Pool(**one | {"vmids": set(one["vmids"]), "storages": set(one["storages"])})
        cluster.pools[pool.poolid] = pool
    for one in state["guests"]:
        _load_guest(cluster, one)
    _forget_orphans(cluster)
    for one in state["users"]:
        tokens = {name: Token(**token) for name, token in one.pop("tokens").items()}
        cluster.users[one["userid"]] = User(**one, tokens=tokens)
    cluster.roles = {name: frozenset(held) for name, held in state["roles"].items()}
    cluster.acl = [AclEntry(**one) for one in state["acl"]]
    for one in state["jobs"]:
        jobs.add(Job(**one | {"who": Identity(**one["who"])}))
    return cluster


def _forget_orphans(cluster: Cluster) -> None:
    """Volumes of machines whose making was interrupted."""
    for storage in cluster.storages.values():
        for place, volume in list(storage.volumes.items()):
            if volume.vmid is not None and volume.vmid not in cluster.guests:
                del storage.volumes[place]


def _load_guest(cluster: Cluster, one: dict[str, Any]) -> None:
    snapshots = [Snapshot(**snapshot) for snapshot in one.pop("snapshots")]
    guest = Guest(**one, snapshots=snapshots)
    unfinished = guest.config.pop("lock", None) in ("create", "clone")
    if not unfinished:
        cluster.guests[guest.vmid] = guest


def save(path: Path, state: dict[str, Any]) -> None:
    write_private(path, json.dumps(state))


def write_private(path: Path, text: str) -> None:
    """A whole file, readable by its owner only."""
    fresh = path.with_suffix(path.suffix + ".new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)


def read(path: Path) -> dict[str, Any] | None:
    """What was saved, or None if nothing usable was."""
    if not path.exists():
        return None
    state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return state if state.get("format") == FORMAT else None
