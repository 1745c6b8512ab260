"""Roles, access control lists and what a caller may do, tokens included."""

from collections.abc import Iterable

from devcluster.faults import Faults
from devcluster.settings import Settings
from devcluster.state import Cluster, Identity

VM_COMMON = [
    "VM.Allocate",
    "VM.Audit",
    "VM.Backup",
    "VM.Clone",
    "VM.Config.CDROM",
    "VM.Config.CPU",
    "VM.Config.Cloudinit",
    "VM.Config.Disk",
    "VM.Config.HWType",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "VM.Console",
    "VM.Migrate",
    "VM.PowerMgmt",
    "VM.Snapshot",
    "VM.Snapshot.Rollback",
]
VM_AGENT = {
    8: ["VM.Monitor"],
    9: [
        "VM.GuestAgent.Audit",
        "VM.GuestAgent.FileRead",
        "VM.GuestAgent.FileSystemMgmt",
        "VM.GuestAgent.FileWrite",
        "VM.GuestAgent.Unrestricted",
        "VM.Replicate",
    ],
}
OTHERS = [
    "Datastore.Allocate",
    "Datastore.AllocateSpace",
    "Datastore.AllocateTemplate",
    "Datastore.Audit",
    "Group.Allocate",
    "Mapping.Audit",
    "Mapping.Modify",
    "Mapping.Use",
    "Permissions.Modify",
    "Pool.Allocate",
    "Pool.Audit",
    "Realm.Allocate",
    "Realm.AllocateUser",
    "SDN.Allocate",
    "SDN.Audit",
    "SDN.Use",
    "Sys.AccessNetwork",
    "Sys.Audit",
    "Sys.Console",
    "Sys.Incoming",
    "Sys.Modify",
    "Sys.PowerMgmt",
    "Sys.Syslog",
    "User.Modify",
]
BASE_PATHS = (
    "/",
    "/access",
    "/access/groups",
    "/nodes",
    "/pool",
    "/sdn",
    "/storage",
    "/vms",
)
CONFIG_PRIVILEGES = tuple(
    f"VM.Config.{name}"
    for name in [
        "Disk",
        "CDROM",
        "CPU",
        "Memory",
        "Network",
        "HWType",
        "Options",
        "Cloudinit",
    ]
)

Held = dict[str, int]


def all_privileges(major: int) -> frozenset[str]:
    return frozenset(VM_COMMON + VM_AGENT[major] + OTHERS)


def built_in_roles(major: int) -> dict[str, frozenset[str]]:
    """The roles every installation has, as far as anybody here uses them."""
    vm_user = {
        "VM.Audit",
        "VM.Backup",
        "VM.Config.CDROM",
        "VM.Config.Cloudinit",
        "VM.Console",
        "VM.PowerMgmt",
    }
    agent = set(VM_AGENT[major])
    return {
        "Administrator": all_privileges(major),
        "NoAccess": frozenset(),
        "PVEAdmin": all_privileges(major) - {"Permissions.Modify", "Sys.Modify", "Sys.PowerMgmt", "Realm.Allocate"},
        "PVEAuditor": frozenset(
            {
                "VM.Audit",
                "Datastore.Audit",
                "Pool.Audit",
                "SDN.Audit",
                "Sys.Audit",
                "Mapping.Audit",
            }
            | ({"VM.GuestAgent.Audit"} if major >= 9 else set())
        ),
        "PVEDatastoreUser": frozenset({"Datastore.AllocateSpace", "Datastore.Audit"}),
        "PVEPoolAdmin": frozenset({"Pool.Allocate", "Pool.Audit"}),
        "PVEPoolUser": frozenset({"Pool.Audit"}),
        "PVESDNUser": frozenset({"SDN.Audit", "SDN.Use"}),
        "PVETemplateUser": frozenset({"VM.Audit", "VM.Clone"}),
        "PVEVMAdmin": frozenset(VM_COMMON) | agent,
        "PVEVMUser": frozenset(
            vm_user | (agent - {"VM.Replicate", "VM.GuestAgent.Unrestricted"} if major >= 9 else set())
        ),
    }


class Access:
    def __init__(self, cluster: Cluster, settings: Settings, faults: Faults) -> None:
        self._cluster = cluster
        self._everything = all_privileges(settings.major)
        self._faults = faults

    def rights(self, who: Identity) -> "Rights":
        """What `who` may do at this moment; kept for one request only."""
        return Rights(self, who)

    def known(self, privilege: str) -> bool:
        return privilege in self._everything

    def held(self, who: Identity, path: str) -> Held:
        """Privileges on a path; the number is the propagate flag, 0 still means held."""
        privileges = self._token_held(who, path) if who.tokenid else self._own(who.userid, path)
        return self._narrowed(who, path, privileges)

    def _token_held(self, who: Identity, path: str) -> Held:
        user = self._cluster.users.get(who.userid)
        token = user.tokens.get(who.tokenid or "") if user else None
        if token is None:
            return {}
        of_user = self._own(who.userid, path)
        if not token.privsep:
            return of_user
        of_token = self._own(who.authid, path)
        return {name: flag for name, flag in of_token.items() if name in of_user}

    def _own(self, ugid: str, path: str) -> Held:
        if ugid == "root@pam":
            return dict.fromkeys(self._everything, 1)
        held = self._from_roles(ugid, path)
        for pool in self._pools_of(path):
            for name in self._from_roles(ugid, f"/pool/{pool}"):
                held.setdefault(name, 0)
        return held

    def _from_roles(self, ugid: str, path: str) -> Held:
        """The entry closest to the path replaces what is inherited from above."""
        parts = [part for part in path.split("/") if part]
        roles: dict[str, bool] = {}
        for depth in range(len(parts) + 1):
            level = "/" + "/".join(parts[:depth])
            here = {
                entry.roleid: entry.propagate
                for entry in self._cluster.acl
                if entry.path == level and entry.ugid == ugid and (entry.propagate or depth == len(parts))
            }
            roles = here or roles
        if "NoAccess" in roles:
            return {}
        return {
            name: int(propagate)
            for roleid, propagate in roles.items()
            for name in self._cluster.roles.get(roleid, frozenset())
        }

    def _pools_of(self, path: str) -> list[str]:
        head, _, last = path.rpartition("/")
        if head == "/vms" and last.isdigit():
            pool = self._cluster.pool_of(int(last))
            return [pool] if pool else []
        if head == "/storage":
            return [pool.poolid for pool in self._cluster.pools.values() if last in pool.storages]
        return []

    def _narrowed(self, who: Identity, path: str, held: Held) -> Held:
        fault = self._faults.of("narrow_token")
        if fault is None or who.tokenid != fault.details.get("token", "portal"):
            return held
        meant = [path, *(f"/pool/{pool}" for pool in self._pools_of(path))]
        hit = any(
            lost in (one, "/") or one.startswith(lost.rstrip("/") + "/")
            for lost in fault.details.get("paths", ["/"])
            for one in meant
        )
        lost_names = fault.details.get("privileges")
        return {name: flag for name, flag in held.items() if not hit or (lost_names and name not in lost_names)}

    def tree(self, who: Identity) -> dict[str, Held]:
        """Everything held anywhere, as /access/permissions shows it."""
        paths = {*BASE_PATHS, *(entry.path for entry in self._cluster.acl)}
        for pool in self._cluster.pools.values():
            paths |= {f"/pool/{pool.poolid}", *(f"/vms/{vmid}" for vmid in pool.vmids)}
            paths |= {f"/storage/{storage}" for storage in pool.storages}
        return {path: held for path in sorted(paths) if (held := self.held(who, path))}


class Rights:
    """One caller's rights, remembered for the length of one request."""

    def __init__(self, access: Access, who: Identity) -> None:
        self._access = access
        self.who = who
        self._memo: dict[str, Held] = {}

    def on(self, path: str) -> Held:
        if path not in self._memo:
            self._memo[path] = self._access.held(self.who, path)
        return self._memo[path]

    def any(self, path: str, privileges: Iterable[str]) -> bool:
        held = self.on(path)
        return any(name in held for name in privileges)

    def has(self, path: str, privilege: str) -> bool:
        return privilege in self.on(path)
