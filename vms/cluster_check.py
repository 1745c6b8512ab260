"""Compares what the portal needs of a cluster with what it finds, in words for whoever installs it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from vms.cluster import Cluster
from vms.cluster.errors import CertificateRefused, ClusterError, Denied, Unreachable
from vms.cluster.types import ClusterReading, StorageFacts

LEAST_RELEASE = (8, 1)  # /pools?poolid= and pools inside pools
MACHINE_RIGHTS = frozenset(
    {
        *("VM.Allocate", "VM.Audit", "VM.Clone", "VM.Console", "VM.PowerMgmt", "VM.Snapshot", "VM.Snapshot.Rollback"),
        *("VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Cloudinit", "VM.Config.Disk", "VM.Config.HWType"),
        *("VM.Config.Memory", "VM.Config.Network", "VM.Config.Options", "Pool.Allocate", "Pool.Audit"),
    }
)
CONSOLE_RIGHTS = frozenset({"VM.Audit", "VM.Console"})
#: For questions to guest agents, of 8 and of 9: without them addresses are not shown, and nothing else is missing.
AGENT_RIGHTS = frozenset({"VM.Monitor", "VM.GuestAgent.Audit"})


class Level(StrEnum):
    """How bad it is."""

    GOOD = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence of the report."""

    level: Level
    sentence: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings name."""

    vm_storage: str
    iso_storages: tuple[str, ...]
    bridge: str
    pool_parent: str = ""
    more_bridges: tuple[str, ...] = ()

    @property
    def pool_path(self) -> str:
        """Where the rights on machines are needed."""
        return f"/pool/{self.pool_parent}" if self.pool_parent else "/pool"


def good(sentence: str) -> Finding:
    return Finding(Level.GOOD, sentence)


def warning(sentence: str) -> Finding:
    return Finding(Level.WARNING, sentence)


def problem(sentence: str) -> Finding:
    return Finding(Level.PROBLEM, sentence)


def check(cluster: Cluster, console: Cluster, wanted: Wanted) -> Iterator[Finding]:
    """Everything, in the order in which it would be put right; ends early where nothing further can be asked."""
    hosts = list(check_hosts(cluster))
    yield from hosts
    if not any(finding.level == Level.GOOD for finding in hosts):
        return
    try:
        reading = cluster.read()
        yield from check_rights(cluster, wanted, reading)
        if console is not cluster:
            yield from check_console_rights(console, wanted)
        yield from check_nodes(cluster, reading)
        yield from check_storage(reading, wanted.vm_storage, "images", "PROXMOX_VM_STORAGE")
        for name in wanted.iso_storages:
            yield from check_storage(reading, name, "iso", "PROXMOX_ISO_STORAGE")
            yield from check_isos(cluster, reading, name)
        yield from check_bridge(cluster, reading, wanted.bridge)
        for bridge in dict.fromkeys(wanted.more_bridges):
            if bridge != wanted.bridge:
                yield from check_bridge(cluster, reading, bridge, "PROXMOX_BRIDGES")
        yield from check_templates(cluster, reading)
        yield from check_pool_parent(cluster, wanted.pool_parent)
    except ClusterError as error:
        yield problem(f"The check could not go on: {error.sentence or type(error).__name__}")


def check_hosts(cluster: Cluster) -> Iterator[Finding]:
    """Address, certificate and token, for each host by itself."""
    for host in cluster.config.hosts:
        alone = Cluster(replace(cluster.config, hosts=(host,)))
        try:
            version = alone.version()
        except CertificateRefused as error:
            yield problem(
                f"{error.sentence} Nothing was sent. Give PROXMOX_CA_FILE a copy of the cluster's"
                " /etc/pve/pve-root-ca.pem, or PROXMOX_FINGERPRINTS what `pvenode cert info` prints on each node; the"
                " address must be one of those the certificate names."
            )
        except Unreachable as error:
            yield problem(f"{error.sentence} Is PROXMOX_HOSTS right, and may this machine connect to it?")
        except Denied as error:
            yield problem(
                f"{host[0]}:{host[1]} refused the token {cluster.config.token_id} ({error.sentence}). Check"
                " PROXMOX_USER, PROXMOX_TOKEN_NAME and PROXMOX_TOKEN_VALUE, and that user and token are enabled."
            )
        except ClusterError as error:
            yield problem(f"{host[0]}:{host[1]} does not answer as Proxmox does: {error.sentence}")
        else:
            yield _version(f"{host[0]}:{host[1]}", version.version, version.numbers)
        finally:
            alone.close()


def _version(host: str, version: str, numbers: tuple[int, ...]) -> Finding:
    if numbers < LEAST_RELEASE:
        return problem(f"{host} runs Proxmox VE {version}; the portal needs 8.1 or later.")
    return good(f"{host} answers, proves itself, accepts the token and runs Proxmox VE {version}.")


# --- rights ---


def needed_rights(wanted: Wanted) -> dict[str, frozenset[str]]:
    """Path to privileges, without those on templates."""
    rights: dict[str, frozenset[str]] = {wanted.pool_path: MACHINE_RIGHTS}
    for storage, privileges in (
        (wanted.vm_storage, {"Datastore.AllocateSpace", "Datastore.Audit"}),
        *((name, {"Datastore.Audit"}) for name in wanted.iso_storages),
    ):
        path = f"/storage/{storage}"
        rights[path] = rights.get(path, frozenset()) | privileges
    for bridge in (wanted.bridge, *wanted.more_bridges):
        rights[f"/sdn/zones/localnetwork/{bridge}"] = frozenset({"SDN.Use"})
    return rights


def check_rights(cluster: Cluster, wanted: Wanted, reading: ClusterReading) -> Iterator[Finding]:
    """What is missing stops members; what is too much is what a stolen token could do."""
    missing = list(_missing(cluster, needed_rights(wanted)))
    yield from missing
    if not missing:
        yield good("The token has all rights it needs on machines, storages and the bridge.")
    if "Sys.Audit" not in _held(cluster, "/"):
        yield warning(
            "The token lacks Sys.Audit on /: the portal works, but asks each node for its tasks and never learns"
            " whether the cluster is quorate, so it never concludes by itself that a machine is gone."
        )
    yield from check_excess(cluster, {f"/vms/{guest.vmid}" for guest in reading.guests if guest.is_template})


def check_console_rights(console: Cluster, wanted: Wanted) -> Iterator[Finding]:
    """The console's own token needs two rights and should have no others."""
    try:
        missing = list(_missing(console, {wanted.pool_path: CONSOLE_RIGHTS}))
        held = console.permissions()
    except Denied as error:
        yield problem(f"The console's token {console.config.token_id} is refused ({error.sentence}).")
        return
    yield from missing
    for path, privileges in sorted(held.items()):
        excess = {one for one in privileges - CONSOLE_RIGHTS if not one.endswith(".Audit")}
        if excess:
            yield warning(f"The console's token may {_list(excess)} on {path}, which a console never needs.")
    if not missing:
        yield good(f"The console's token {console.config.token_id} may open consoles.")


def check_excess(cluster: Cluster, templates: set[str]) -> Iterator[Finding]:
    """Reading is never too much; anything else beyond the portal's pools, storages, bridges and templates is."""
    for path, privileges in sorted(cluster.permissions().items()):
        excess = {one for one in privileges - _allowed(path, templates) if not one.endswith(".Audit")}
        if excess:
            yield warning(f"The token may {_list(excess)} on {path}, which the portal never needs.")


def _allowed(path: str, templates: set[str]) -> frozenset[str]:
    if path == "/pool" or path.startswith("/pool/"):
        return MACHINE_RIGHTS | AGENT_RIGHTS
    if path == "/storage" or path.startswith("/storage/"):
        return frozenset({"Datastore.AllocateSpace"})
    if path.startswith("/sdn"):
        return frozenset({"SDN.Use"})
    return frozenset({"VM.Clone"}) | AGENT_RIGHTS if path in templates else AGENT_RIGHTS


def _missing(cluster: Cluster, needed: dict[str, frozenset[str]]) -> Iterator[Finding]:
    for path, privileges in needed.items():
        lacking = privileges - _held(cluster, path)
        if lacking:
            yield problem(
                f"The token {cluster.config.token_id} lacks {_list(lacking)} on {path}. With separated privileges both"
                " the user and the token need the role."
            )


def _held(cluster: Cluster, path: str) -> frozenset[str]:
    """With what the path inherits."""
    return cluster.permissions(path).get(path, frozenset())


def _list(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))


# --- what there is ---


def check_nodes(cluster: Cluster, reading: ClusterReading) -> Iterator[Finding]:
    """All online, and a majority."""
    away = [node.name for node in reading.nodes if not node.is_online]
    yield warning(f"Not online: {_list(away)}.") if away else good(f"Nodes: {_list(n.name for n in reading.nodes)}.")
    if "Sys.Audit" in _held(cluster, "/") and not cluster.cluster_status().quorate:
        yield problem("The cluster has no quorum: nothing can be changed until most of its nodes see each other.")


def check_storage(reading: ClusterReading, name: str, content: str, setting: str) -> Iterator[Finding]:
    """There, for this kind of volume, on every online node."""
    found = [row for row in reading.storages if row.name == name]
    online = {node.name for node in reading.nodes if node.is_online}
    if not found:
        yield problem(
            f"Storage {name} ({setting}) is not there, or the token lacks Datastore.Audit on it. It sees"
            f" {_list({row.name for row in reading.storages}) or 'none'}."
        )
        return
    if not any(content in row.content for row in found):
        yield problem(f"Storage {name} ({setting}) is not set up for {_in_words(content)}.")
        return
    absent = online - {row.node for row in found if row.is_available}
    if absent:
        yield warning(f"Storage {name} ({setting}) is not available on {_list(absent)}.")
    yield good(f"Storage {name} ({setting}) holds {_in_words(content)}{_room(found)}.")


def _in_words(content: str) -> str:
    return {"images": "disks of machines", "iso": "ISO images"}[content]


def _room(found: list[StorageFacts]) -> str:
    free = [row.total_bytes - row.used_bytes for row in found if row.is_available and row.total_bytes]
    return f", {min(free) // 1024**3} GiB free where there is least" if free else ""


def check_isos(cluster: Cluster, reading: ClusterReading, name: str) -> Iterator[Finding]:
    """At least one image to begin from."""
    nodes = [row.node for row in reading.storages if row.name == name and row.is_available and "iso" in row.content]
    if nodes and not any(cluster.volumes(node, name, "iso") for node in nodes):
        yield warning(
            f"Storage {name} (PROXMOX_ISO_STORAGE) holds no ISO image: members can only create from templates."
        )


def check_bridge(
    cluster: Cluster, reading: ClusterReading, bridge: str, setting: str = "PROXMOX_BRIDGE"
) -> Iterator[Finding]:
    """On every online node; a machine on a bridge that is not there is made, and does not start."""
    absent = [node.name for node in reading.nodes if node.is_online and bridge not in cluster.bridges(node.name)]
    if absent:
        yield warning(
            f"Bridge {bridge} ({setting}) is not shown on {_list(absent)}: it is not there, or the token lacks"
            f" SDN.Use on /sdn/zones/localnetwork/{bridge}. Machines there would not start."
        )
    else:
        yield good(f"Bridge {bridge} ({setting}) is on every node.")


def check_templates(cluster: Cluster, reading: ClusterReading) -> Iterator[Finding]:
    """At least one that can be cloned; cloud-init is what makes a clone usable at once."""
    templates = [guest for guest in reading.guests if guest.is_template]
    if not templates:
        yield warning(
            "The token sees no template: members can only create from ISO images. Give it VM.Audit and VM.Clone on"
            " each template, or on a pool that holds them."
        )
    for guest in templates:
        what = f"Template {guest.name or guest.vmid} ({guest.vmid} on {guest.node})"
        if "VM.Clone" not in _held(cluster, f"/vms/{guest.vmid}"):
            yield warning(f"{what} cannot be used: the token lacks VM.Clone on /vms/{guest.vmid}.")
        elif not cluster.guest_config(guest.node, guest.vmid).has_cloud_init:
            yield warning(f"{what} has no cloud-init drive: its clones get neither the member's user nor the key.")
        else:
            yield good(f"{what} can be cloned and takes a user and keys.")


def check_pool_parent(cluster: Cluster, parent: str) -> Iterator[Finding]:
    """Pools are made inside it, so it has to be there."""
    if parent and parent not in {pool.poolid for pool in cluster.pools()}:
        yield problem(f"Pool {parent} (PROXMOX_POOL_PARENT) is not there, or the token lacks Pool.Audit on it.")
