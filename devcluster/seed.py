"""The clusters a stand-in can begin with: `test`, `demo`, `scale:N`, `empty`."""

import random

from devcluster import configure
from devcluster.access import built_in_roles
from devcluster.drives import GIB, format_size
from devcluster.settings import Settings
from devcluster.state import AclEntry, Cluster, Guest, Node, Pool, Storage, Token, User, Volume

NODES = ("pve1", "pve2", "pve3")
USER, TOKEN, CONSOLE_TOKEN = "portal@pve", "portal", "console"
MIB = 1024**2
ISOS = (("local", "local:iso/grub-rescue.iso", 5 * MIB), ("shared", "shared:iso/small-linux.iso", 24 * MIB))
SERVICE = (
    "VM.Allocate VM.Audit VM.Clone VM.Config.CDROM VM.Config.CPU VM.Config.Cloudinit VM.Config.Disk VM.Config.HWType"
    " VM.Config.Memory VM.Config.Network VM.Config.Options VM.Console VM.PowerMgmt VM.Snapshot VM.Snapshot.Rollback"
    " Pool.Allocate Pool.Audit"
)
CREATED_AT = 1_790_000_000
SCALE_POOLS = 100


def seeded(settings: Settings, tokens: dict[str, str]) -> Cluster:
    """A cluster as the settings' seed describes it. `tokens` holds the secrets of the portal's two tokens.

    Raises ValueError for an unknown seed."""
    kind, _, count = settings.seed.partition(":")
    cluster = _bare(settings, tokens)
    if kind in ("test", "demo"):
        _templates(cluster)
    if kind == "demo":
        _house(cluster)
    elif kind == "scale":
        _many(cluster, int(count or "300"))
    elif kind not in ("test", "empty"):
        raise ValueError(f"no such seed: {settings.seed}")
    return cluster


def _bare(settings: Settings, tokens: dict[str, str]) -> Cluster:
    cluster = Cluster()
    cluster.nodes = {name: Node(name, number) for number, name in enumerate(NODES, 1)}
    cluster.storages = {
        "local": Storage("local", "dir", ("iso", "vztmpl", "backup", "snippets", "import"), False, NODES),
        "local-lvm": Storage("local-lvm", "lvmthin", ("images", "rootdir"), False, NODES),
        "shared": Storage("shared", "nfs", ("images", "iso"), True, NODES, 2000 * GIB),
    }
    for name, volid, size_bytes in ISOS:
        storage = cluster.storages[name]
        for place in {storage.place(node) for node in NODES}:
            storage.volumes[place, volid] = Volume(volid, "iso", "iso", size_bytes, None, None, CREATED_AT)
    cluster.roles = built_in_roles(settings.major)
    agent = "VM.GuestAgent.Audit" if settings.major >= 9 else "VM.Monitor"
    cluster.roles["PortalService"] = frozenset([*SERVICE.split(), agent])
    cluster.roles["PortalConsole"] = frozenset(["VM.Console", "VM.Audit"])
    cluster.roles["PortalSee"] = frozenset(["Sys.Audit"])
    _people(cluster, tokens)
    return cluster


def _people(cluster: Cluster, tokens: dict[str, str]) -> None:
    """The portal's user and its two tokens with separated privileges: each right is given to user and token."""
    portal = User(USER, comment="self-service portal")
    portal.tokens = {name: Token(name, value) for name, value in tokens.items()}
    cluster.users = {"root@pam": User("root@pam"), USER: portal}
    main = (
        ("/", "PortalSee"),
        ("/pool", "PortalService"),
        ("/storage", "PVEDatastoreUser"),
        ("/sdn/zones/localnetwork", "PVESDNUser"),
        ("/nodes", "PVEAuditor"),
    )
    for ugid in (USER, f"{USER}!{TOKEN}"):
        cluster.acl += [AclEntry(path, ugid, role) for path, role in main]
    cluster.acl.append(AclEntry("/pool", f"{USER}!{CONSOLE_TOKEN}", "PortalConsole"))


def allow_template(cluster: Cluster, vmid: int) -> None:
    for ugid in (USER, f"{USER}!{TOKEN}"):
        cluster.acl.append(AclEntry(f"/vms/{vmid}", ugid, "PVETemplateUser"))


def _templates(cluster: Cluster) -> None:
    for vmid, name, cloud_init in ((9000, "debian-12", True), (9001, "small-linux", False)):
        guest = new_guest(cluster, vmid, "pve1", name, memory_mib=512, disk_gib=2, template=True)
        guest.config |= {"agent": "1", "serial0": "socket", "ostype": "l26"}
        if cloud_init:
            volid = f"shared:{vmid}/vm-{vmid}-cloudinit.qcow2"
            guest.config["ide2"] = f"{volid},media=cdrom,size=4M"
            cluster.storages["shared"].volumes["", volid] = Volume(
                volid, "images", "qcow2", 4 * MIB, vmid, None, CREATED_AT
            )
        allow_template(cluster, vmid)


def _house(cluster: Cluster) -> None:
    """What the house runs for itself; none of the portal's business."""
    cluster.pools["house-infra"] = Pool("house-infra", "Machines of the administrators")
    for vmid, node, name in ((100, "pve1", "gateway"), (101, "pve2", "mail")):
        guest = new_guest(cluster, vmid, node, name, memory_mib=256, disk_gib=4)
        guest.config["description"] = "Run by the administrators"
        cluster.pools["house-infra"].vmids.add(vmid)


def _many(cluster: Cluster, count: int) -> None:
    pools = [f"scale-{number:03}" for number in range(min(SCALE_POOLS, max(1, count // 10)))]
    cluster.pools = {name: Pool(name) for name in pools}
    for number in range(count):
        guest = new_guest(cluster, 1000 + number, NODES[number % 3], f"vm-{number:05}", memory_mib=1024, disk_gib=8)
        cluster.pools[pools[number % len(pools)]].vmids.add(guest.vmid)
        if number % 5 < 3:
            guest.power, guest.started_at, guest.pid = "running", float(CREATED_AT), 10_000 + number


def new_guest(
    cluster: Cluster,
    vmid: int,
    node: str,
    name: str,
    *,
    memory_mib: int,
    disk_gib: int,
    cores: int = 1,
    storage: str = "shared",
    template: bool = False,
    uuid: str | None = None,
) -> Guest:
    """A machine that has been there for long: made at once, known to the lists (the caller lets it be reported)."""
    rng = random.Random(f"{cluster.name}/{vmid}")
    config = {"name": name, "cores": str(cores), "memory": str(memory_mib), "scsihw": "virtio-scsi-single"}
    held = cluster.storages[storage]
    prefix = "base" if template else "vm"
    plain = f"{prefix}-{vmid}-disk-0"
    volid = f"{storage}:{plain}" if held.type == "lvmthin" else f"{storage}:{vmid}/{plain}.qcow2"
    size_bytes = disk_gib * GIB
    kind = "raw" if held.type == "lvmthin" else "qcow2"
    held.volumes[held.place(node), volid] = Volume(volid, "images", kind, size_bytes, vmid, None, CREATED_AT)
    config |= {"scsi0": f"{volid},size={format_size(size_bytes)}", "boot": "order=scsi0"}
    mac = ":".join(f"{rng.randrange(256):02X}" for _ in range(3))
    config |= {"net0": f"virtio=BC:24:11:{mac},bridge=vmbr0", "meta": f"creation-qemu=7.2.22,ctime={CREATED_AT}"}
    config |= {"smbios1": f"uuid={uuid or configure.random_uuid(rng)}", "vmgenid": configure.random_uuid(rng)}
    if template:
        config["template"] = "1"
    guest = Guest(vmid, node, config, created=float(CREATED_AT), obeys_shutdown=True)
    cluster.guests[vmid] = guest
    return guest
