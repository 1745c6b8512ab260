"""Reads the settings of many machines, a few at a time, leaving alone a node that does not answer."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError, Denied, Malformed, NoSuchGuest, Unreachable
from vms.cluster.types import GuestConfig

Place = tuple[str, int]


@dataclass
class Fetched:
    """What was answered, by slot. A slot that is in none of them was not asked or not answered."""

    configs: dict[int, GuestConfig] = field(default_factory=dict)
    empty: set[int] = field(default_factory=set)
    denied: set[int] = field(default_factory=set)
    silent_nodes: set[str] = field(default_factory=set)


def fetch(cluster: Cluster, places: Iterable[Place], parallel: int) -> Fetched:
    """Settings of the machines at these (node, vmid), at most `parallel` at once.

    A node that fails once is not asked again: its daemon hangs, and every question would wait as long as the first.
    """
    found = Fetched()
    with ThreadPoolExecutor(max_workers=parallel) as threads:
        for _done in threads.map(lambda place: _fetch_one(cluster, place, found), list(places)):
            pass
    return found


def _fetch_one(cluster: Cluster, place: Place, found: Fetched) -> None:
    node, vmid = place
    if node in found.silent_nodes:
        return
    try:
        found.configs[vmid] = cluster.guest_config(node, vmid)
    except NoSuchGuest:
        found.empty.add(vmid)
    except Denied:
        found.denied.add(vmid)
    except Malformed:
        return
    except Unreachable:
        found.silent_nodes.add(node)
    except ClusterError:
        return
