"""The small cluster the recordings came from, as scenes for the stand-in's control interface."""

from dataclasses import dataclass, field
from typing import Any

from tests.devcluster.recorded.rows import Names

PASSWORD = "correct horse battery"
SECRETS = "00000000-1111-4222-8333-444444444444"
KEY = "ssh-ed25519%20AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f%20somebody"
CLOUD_INIT = {
    "ciuser": "stud",
    "cipassword": "secret words",
    "ipconfig0": "ip=192.168.50.5/24,gw=192.168.50.1",
    "ipconfig1": "ip=dhcp,ip6=auto",
    "nameserver": "192.168.50.1",
    "searchdomain": "lab.local",
    "sshkeys": KEY,
}
Guest = dict[str, Any]


@dataclass
class Lab:
    """A scene in the making; names are the recorded ones until `scene` renames them."""

    guests: list[Guest] = field(default_factory=list)
    pools: list[dict[str, Any]] = field(default_factory=lambda: [{"poolid": "p1", "comment": "course 1"}])
    users: list[dict[str, Any]] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=lambda: [{"name": "pve1", "cores": 2}])
    windows: dict[str, Any] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)
    before: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    before_as_caller: bool = False
    tasks: list[dict[str, Any]] = field(default_factory=list)

    def vm100(self, status: str = "stopped", **more: Any) -> Guest:
        """The machine most calls were tried on."""
        options = {
            "name": "vm100",
            "memory": 128,
            "cores": 1,
            "ostype": "l26",
            "scsihw": "virtio-scsi-single",
            "scsi0": "vmstore:1,format=qcow2",
            "net0": "virtio,bridge=vmbr0",
            "boot": "order=scsi0",
        }
        return self._add({"vmid": 100, "pool": "p1", "options": options, "status": status}, more)

    def vm200(self, **more: Any) -> Guest:
        """The machine with a cloud-init drive that later became the template."""
        options = {
            "name": "tmpl",
            "memory": 128,
            "scsi0": "vmstore:1,format=qcow2",
            "ide2": "vmstore:cloudinit",
            "agent": 1,
            "serial0": "socket",
            "boot": "order=scsi0",
            "net0": "virtio,bridge=vmbr0",
        }
        return self._add({"vmid": 200, "options": options}, more)

    def template(self, **more: Any) -> Guest:
        made = self.vm200(template=True, **more)
        made["options"] |= CLOUD_INIT
        return made

    def person(self, *tokens: str) -> None:
        """Alice as somebody who is administered."""
        made = [{"tokenid": name, "value": SECRETS, "privsep": name == "sep", "comment": name} for name in tokens]
        self.users.append({"userid": "alice@pve", "email": "a@x.org", "comment": "student", "tokens": made})

    def linked(self, vmid: int, name: str, **more: Any) -> Guest:
        return self._add({"vmid": vmid, "clone_of": 200, "name": name, "pool": "p1"}, more)

    def small(self, vmid: int, **more: Any) -> Guest:
        return self._add({"vmid": vmid, "options": {"memory": 64}}, more)

    def _add(self, guest: Guest, more: dict[str, Any]) -> Guest:
        guest = {"node": "pve1", **guest}
        guest.setdefault("options", {})
        guest["options"] |= more.pop("options", {})
        self.guests.append({**guest, **more})
        return self.guests[-1]

    def user(self, userid: str, role: str, path: str, tokens: dict[str, bool] | None = None, **more: Any) -> None:
        """Somebody with one role on one path; each token that is privsep gets it too."""
        made = [{"tokenid": name, "value": SECRETS, "privsep": privsep} for name, privsep in (tokens or {}).items()]
        entries: list[dict[str, Any]] = [{"path": path, "role": role}] if role else []
        entries += [{"path": path, "role": role, "tokenid": one["tokenid"]} for one in made if role and one["privsep"]]
        self.users.append({"userid": userid, "password": PASSWORD, "tokens": made, "acl": entries, **more})

    def scene(self, names: Names) -> dict[str, Any]:
        """What POST /_control/scene is told."""
        self.user("root@pam", "", "/", {"lab": False})
        self.user("admin@pve", "Administrator", "/", {"portal": False})
        content = ["import", "vztmpl", "backup", "snippets", "iso"]
        storages = [
            {"storage": "vmstore", "type": "dir", "content": ["iso", "images", "rootdir"]},
            {"storage": "local", "type": "dir", "content": content, "isos": ["local:iso/tiny.iso"]},
        ]
        plain = {
            "nodes": self.nodes,
            "bridges": ["vmbr0"],
            "storages": storages,
            "pools": self.pools,
            "users": self.users,
            "guests": self.guests,
            "windows": self.windows,
            "faults": self.faults,
            "tasks": self.tasks,
        }
        found: dict[str, Any] = renamed(plain, names)
        return found


def renamed(value: Any, names: Names) -> Any:
    """Every name and vmid of a scene in its other form."""
    if isinstance(value, dict):
        return {names.text(str(key)): _one(key, inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(inner, names) for inner in value]
    return names.text(value) if isinstance(value, str) else value


def _one(key: str, value: Any, names: Names) -> Any:
    if key in ("vmid", "clone_of") and isinstance(value, int):
        return value + names.vmid_offset
    if key == "vmids":
        return [vmid + names.vmid_offset for vmid in value]
    if key == "path" and isinstance(value, str):
        return names.sentence(value)
    return renamed(value, names)
