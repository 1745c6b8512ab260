"""Situations that are about what surrounds a machine: pools, storages, nodes, workers, accounts."""

import re

from tests.devcluster.recorded.lab import Lab
from tests.devcluster.recorded.rows import Row


def pooling(lab: Lab, row: Row) -> None:
    name = row.name
    lab.vm200()
    members: dict[str, list[int]] = {"p1": [], "p2": [], "p1/sub": []}
    if re.search(r"add_vm_(already|other)|move_vm", name):
        members["p1"] = [200]
    if name == "pools.remove_vm":
        members["p2"] = [200]
    if re.search(r"nonempty|with_members", name):
        lab.vm100()
    absent = {
        "pools.create": ["p1", "p2", "p1/sub"],
        "pools.create2": ["p2"],
        "pools.empty": ["p1", "p2", "p1/sub"],
        "pools.list": ["p2", "p1/sub"],
        "pools.create.nested": ["p1/sub"],
        "pools.delete.nonempty": ["p1/sub"],
    }.get(name, [])
    lab.pools[:] = [{"poolid": poolid, "vmids": vmids} for poolid, vmids in members.items() if poolid not in absent]
    for pool in lab.pools:
        if pool["poolid"] == "p1":
            pool["comment"] = "course 1"
        if pool["poolid"] == "p2" and re.search("remove_storage|get.storage", name):
            pool["storages"] = ["vmstore"]


def storing(lab: Lab, row: Row) -> None:
    if row.name in ("storage.content", "storage.content.images"):
        lab.vm100()
        lab.vm200()
        if row.release == "9.2" and row.name == "storage.content":
            lab.guests[0]["template"] = True
            lab._add({"vmid": 133, "clone_of": 100, "name": "n", "pool": "p1"}, {})


def history(lab: Lab, row: Row) -> None:
    if "missing" not in row.name:
        lab.vm100("running")


def broken_nodes(lab: Lab, row: Row) -> None:
    lab.vm100(options={"tags": "a;b"})
    lab._add({"vmid": 300, "node": "pve2"}, {})
    if row.path.endswith(("302/status/current", "302/status/start")):
        lab.nodes.append({"name": "pve2"})
        lab.faults.append({"kind": "node_down", "node": "pve2"})


def broken_daemons(lab: Lab, row: Row) -> None:
    lab.template()
    lab.vm100(options={"tags": "a;b"})
    lab.linked(131, "full", full=1, config={"cores": 1, "onboot": 0, "description": "json"})
    if "hang" in row.name:
        lab.faults.append({"kind": "node_hang", "node": "pve1"})
    elif "pvedaemon" in row.name:
        lab.faults.append({"kind": "daemon_down", "node": "pve1"})


def http(lab: Lab, row: Row) -> None:
    lab.template()
    lab.linked(131, "full", full=1)
    if "trailing" in row.name:
        lab.vm100("running", options={"tags": "a;b"})


def held_file(lab: Lab, row: Row) -> None:
    """Another worker holds the config file: a shutdown the guest does not obey."""
    lab.template()
    lab.linked(131, "full", full=1, status="running")
    lab.windows |= {"lock_wait": 0.2, "shutdown_timeout": 3}
    lab.before.append(("POST", "/nodes/pve1/qemu/131/status/shutdown", {}))


def races(lab: Lab, row: Row) -> None:
    """Losers come after a winner; rapid tasks meet machines that are there."""
    lab.template()
    if "clone_same_id" in row.name:
        lab.windows |= {"jobs_scale": 0.02, "clone_claim": 15}
        if not row.name.endswith(".0"):
            lab.before.append(("POST", row.path, {**row.params, "name": "winner"}))
    if "create_same_id" in row.name and row.status == 500:
        lab.small(171)
    if "rapid" in row.name:
        lab.linked(int(re.findall(r"/qemu/(\d+)", row.path)[0]), "p")


def protection(lab: Lab, row: Row) -> None:
    lab.vm100(options={} if row.name == "protection.set" else {"protection": 1})


def tasks(lab: Lab, row: Row) -> None:
    """A few tasks of 100 that ended well and badly."""
    lab.vm100()
    if row.name not in ("node.tasks.active", "cluster.tasks"):
        lab.before += [
            ("POST", "/nodes/pve1/qemu/100/status/stop", {}),
            ("POST", "/nodes/pve1/qemu/555/status/start", {}),
        ]


def broken_config(lab: Lab, row: Row) -> None:
    lab.template()
    lab.vm100(options={"tags": "a;b"})
    lab._add({"vmid": 196}, {"emptied": True})


def many(lab: Lab, row: Row) -> None:
    lab.pools.append({"poolid": "big"})


def unlucky(lab: Lab, row: Row) -> None:
    """Once in many a worker did not start; here that is a fault."""
    lab.vm100("running")
    if row.status == 500:
        lab.faults.append({"kind": "error500", "sentence": row.reason, "match": {"path_regex": "vncproxy"}})
