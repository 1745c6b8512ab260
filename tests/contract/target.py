"""The cluster that the contract is held against, and what it has."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.children import wait_until
from tests.devcluster.cluster import DevCluster
from vms.cluster import Cluster, errors
from vms.cluster.config import ClusterConfig
from vms.cluster.tls import TlsTrust
from vms.cluster.types import ClusterReading, GuestFacts, GuestRef, NewGuest, TemplateRef, Upid

NAMED = "CONTRACT_PROXMOX_HOSTS"
TASK_S = float(os.environ.get("CONTRACT_TASK_S", "180"))


def _setting(name: str, default: str = "") -> str:
    return os.environ.get(f"CONTRACT_{name}", "") or default


def named_config() -> ClusterConfig:
    """A cluster named by the environment: CONTRACT_PROXMOX_HOSTS, _USER, _TOKEN_NAME, _TOKEN_VALUE, _CA_FILE."""
    hosts = [word.strip().rpartition(":") for word in os.environ[NAMED].split(",")]
    prints = _setting("PROXMOX_FINGERPRINTS")
    return ClusterConfig(
        hosts=tuple((host or port, int(port) if host else 8006) for host, _, port in hosts),
        user=_setting("PROXMOX_USER"),
        token_name=_setting("PROXMOX_TOKEN_NAME"),
        token_value=_setting("PROXMOX_TOKEN_VALUE"),
        trust=TlsTrust(_setting("PROXMOX_CA_FILE"), tuple(prints.split(",")) if prints else ()),
    )


@dataclass
class Target:
    """A cluster, and a slot range and a pool in it that belong to the contract alone. `dev`: it is the stand-in."""

    cluster: Cluster
    dev: DevCluster | None = None
    first: int = field(default_factory=lambda: int(_setting("FIRST_VMID", "990000")))
    slots: int = 60
    poolid: str = field(default_factory=lambda: _setting("POOL", "vmportal-contract"))
    _next: int = 0

    def __post_init__(self) -> None:
        self.reading: ClusterReading = self.cluster.read()
        self.node = self._pick_node()

    def _pick_node(self) -> str:
        wanted = _setting("NODE")
        with_disks = {row.node for row in self.reading.storages if "images" in row.content and row.is_available}
        online = [node.name for node in self.reading.nodes if node.is_online and node.name in with_disks]
        templates = [guest.node for guest in self.templates() if guest.node in online]
        usable = [wanted] if wanted else [*templates, *online]
        if not usable:
            pytest.skip("no node of this cluster is online and has a storage for disks that the token may see")
        return usable[0]

    def templates(self) -> list[GuestFacts]:
        """Templates the token may see."""
        return [guest for guest in self.reading.guests if guest.is_template]

    def storage(self, content: str) -> str:
        """A storage of the node for such volumes, a shared one first; skips without."""
        found = [
            row
            for row in self.reading.storages
            if row.node == self.node and content in row.content and row.is_available
        ]
        if not found:
            pytest.skip(f"node {self.node} has no storage for {content} that the token may see")
        return min(found, key=lambda row: (not row.is_shared, row.name)).name

    def iso(self) -> str:
        """An ISO image; skips without."""
        for row in self.reading.storages:
            if row.node == self.node and "iso" in row.content and row.is_available:
                for volume in self.cluster.volumes(self.node, row.name, "iso"):
                    return volume.volid
        pytest.skip(f"no storage of node {self.node} holds an ISO image")

    def template(self, *, with_cloud_init: bool = False) -> TemplateRef:
        """A template on the node; skips without."""
        for guest in self.templates():
            if guest.node == self.node:
                config = self.cluster.guest_config(guest.node, guest.vmid)
                if config.has_cloud_init or not with_cloud_init:
                    return TemplateRef(guest.node, guest.vmid, config.uuid)
        pytest.skip(f"node {self.node} has no template {'with a cloud-init drive ' if with_cloud_init else ''}to clone")

    def bridge(self) -> str:
        """The first bridge of the node, or vmbr0, which exists everywhere."""
        return _setting("BRIDGE") or next(iter(self.cluster.bridges(self.node)), "vmbr0")

    def free_vmid(self) -> int:
        """A slot of our range that nobody has, never given twice."""
        taken = {guest.vmid for guest in self.cluster.read().guests} | self.reading.other_vmids
        while self.first + self._next in taken:
            self._next += 1
        self._next += 1
        return self.first + self._next - 1

    def new_guest(self, **wanted: object) -> NewGuest:
        """A small machine with an empty disk."""
        base = NewGuest(
            node=self.node,
            vmid=self.free_vmid(),
            uuid=str(uuid.uuid4()),
            name="contract",
            poolid=self.poolid,
            cores=1,
            memory_mib=128,
            disk_gib=1,
            storage=self.storage("images"),
            bridge=self.bridge(),
            description="made by the contract suite",
        )
        return replace(base, **wanted)  # type: ignore[arg-type]

    def end_of(self, upid: Upid | None, *, deadline_s: float = TASK_S) -> str:
        """The task's last words."""
        if upid is None:
            return "OK"
        wait_until(
            lambda: not self.cluster.task_status(upid).running, what=f"the end of {upid.type}", deadline_s=deadline_s
        )
        return self.cluster.task_status(upid).exit_text or ""

    def make(self, **wanted: object) -> GuestRef:
        """A machine that exists when this returns."""
        guest = self.new_guest(**wanted)
        assert self.end_of(self.cluster.create(guest)) == "OK"
        return GuestRef(guest.node, guest.vmid, guest.uuid, guest.poolid)

    def clone(self, template: TemplateRef, *, name: str, full: bool = False, description: str = "") -> GuestRef:
        """A clone that exists when this returns; skips where the storage cannot link."""
        vmid, storage = self.free_vmid(), self.storage("images") if full else None
        try:
            upid = self.cluster.clone(
                template,
                vmid=vmid,
                name=name,
                poolid=self.poolid,
                description=description,
                full=full,
                storage=storage,
            )
        except errors.Refused as error:
            if "Linked clone feature" in error.sentence:
                pytest.skip(f"the template's storage links no clones: {error.sentence}")
            raise
        assert upid.vmid == template.vmid
        assert self.end_of(upid) == "OK"
        return self.ref_of(template.node, vmid)

    def ref_of(self, node: str, vmid: int) -> GuestRef:
        """The machine in a slot as it is named now."""
        return GuestRef(node, vmid, self.cluster.guest_config(node, vmid).uuid, self.poolid)

    def power(self, ref: GuestRef) -> str:
        """What it does right now."""
        return self.cluster.guest_status(ref.node, ref.vmid).power

    def switch_off(self, ref: GuestRef) -> None:
        """Stopped, whatever it did."""
        if self.power(ref) != "stopped":
            assert self.end_of(self.cluster.stop(ref, overrule_shutdown=True)) == "OK"

    def remove(self, ref: GuestRef) -> None:
        """Gone, whatever it did."""
        self.switch_off(ref)
        assert self.end_of(self.cluster.delete(ref)) == "OK"

    def clean_up(self) -> None:
        """Remove what is in our range and in our pool, then the pool."""
        try:
            members = self.cluster.pool_members(self.poolid)
        except (errors.NotBound, errors.Denied):
            return
        wanted = range(self.first, self.first + self.slots)
        for guest in self.cluster.read().guests:
            if guest.vmid in members and guest.vmid in wanted:
                self.remove(self.ref_of(guest.node, guest.vmid))
        self.cluster.delete_pool(self.poolid)

    @contextmanager
    def occupied(self) -> Iterator["Target"]:
        """The pool exists inside the block; nothing of ours before and after it."""
        self.clean_up()
        self.cluster.create_pool(self.poolid, "made by the contract suite; may be removed")
        try:
            yield self
        finally:
            self.clean_up()
            self.cluster.close()


@contextmanager
def stand_in(folder: Path, profile: str) -> Iterator[Target]:
    """The stand-in of one release."""
    windows = {"lock_wait": 0.3, "jobs_scale": 0.02}
    with DevCluster.start(folder, profile=profile, windows=windows) as dev:
        config = ClusterConfig(
            hosts=((dev.host, dev.port),),
            user=dev.user,
            token_name=dev.token_name,
            token_value=dev.token_value,
            trust=TlsTrust(dev.ca_file),
        )
        with Target(Cluster(config), dev).occupied() as target:
            yield target


@contextmanager
def named() -> Iterator[Target]:
    """The cluster of the environment."""
    with Target(Cluster(named_config())).occupied() as target:
        yield target
