"""Every call the gateway can send, held against Proxmox's own schema."""

import inspect
from contextlib import suppress
from typing import Any

import pytest
from requests import PreparedRequest, Response

from tests.contract.schema import Call, schemas
from tests.contract.target import Target
from tests.figures import figure
from vms.cluster import Cluster, errors
from vms.cluster.types import GuestChanges, GuestRef, NicWish, TemplateRef
from vms.cluster.watching import SPANS
from vms.cluster.wire import Wire

pytestmark = [pytest.mark.contract]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJgqx0m4z3mUGtJoqJ0sBQtM2uvUV0hBpFDFv2P0m5mQ alice at home; & more"
OUR_OWN = {"close", "verified", "require_slot"}


class Watched:
    """A cluster that remembers which of its methods were used."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster, self.used = cluster, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.used.add(name)
        return getattr(self._cluster, name)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What leaves through the wire, as it leaves."""
    calls, send = list[Call](), Wire.send

    def record(self: Wire, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        calls.append(Call.of(request))
        return send(self, request, *args, **options)

    monkeypatch.setattr(Wire, "send", record)
    return calls


def test_every_call_is_inside_the_schema(target: Target, sent: list[Call]) -> None:
    found = schemas()
    cluster = Watched(target.cluster)

    everything(target, cluster)

    public = {name for name, _ in inspect.getmembers(Cluster, inspect.isfunction) if not name.startswith("_")}
    assert public - cluster.used - OUR_OWN == set()
    calls = set(sent)
    faults = [fault for schema in found for call in calls for fault in schema.faults(call)]
    figure("F-02", "calls", len(calls) * len(found), "outside schema", len(faults))
    assert faults == []
    assert len(calls) >= 50


def everything(target: Target, cluster: Any) -> None:
    """A machine's whole life, and every question, with every option in both of its forms."""
    ask(target, cluster)
    pool = f"{target.poolid}-schema"
    cluster.create_pool(pool, "a comment")
    try:
        live(target, cluster, pool)
    finally:
        for guest in target.cluster.read().guests:
            if guest.vmid in target.cluster.pool_members(pool):
                ref = target.ref_of(guest.node, guest.vmid)
                target.remove(GuestRef(ref.node, ref.vmid, ref.uuid, pool))
        cluster.delete_pool(pool)


def ask(target: Target, cluster: Any) -> None:
    node, disks = target.node, target.storage("images")
    (
        cluster.version(),
        cluster.read(),
        cluster.permissions(),
        cluster.permissions("/pool"),
        cluster.pools(),
        cluster.bridges(node),
        cluster.slot_is_taken(target.free_vmid()),
    )
    cluster.cluster_status(), cluster.read(with_quorum=True)
    cluster.recent_tasks((node,), 1_700_000_000), cluster.node_tasks(node, 1_700_000_000)
    for content in ("iso", "images"):
        cluster.volumes(node, disks, content)


def live(target: Target, cluster: Any, pool: str) -> None:
    made = target.new_guest(poolid=target.poolid, iso="", mac="BC:24:11:00:00:01", cores=4, description="")
    done(target, cluster.create(made))
    ref = GuestRef(made.node, made.vmid, made.uuid, made.poolid)
    cluster.move_to_pool(ref, pool)
    ref = GuestRef(made.node, made.vmid, made.uuid, pool)
    digest = cluster.guest_config(ref.node, ref.vmid).digest
    settings = GuestChanges("renamed.example", 2, 256, True, "ä\n;&=%", ("scsi0", "net0"), ("ide2", ""))
    cluster.configure(ref, settings, digest=digest)
    cluster.configure(ref, GuestChanges(start_at_boot=False, description="x" * 8192))
    hardware(target, cluster, ref)
    cluster.set_cloud_init(ref, user="alice", ssh_keys=(KEY, KEY), ipconfig="ip=dhcp")
    cluster.set_cloud_init(ref, ipconfig="ip=10.0.0.5/24,gw=10.0.0.1")
    done(target, cluster.resize_disk(ref, slot="scsi0", size_gib=2))
    snapshots(target, cluster, ref)
    power(target, cluster, ref)
    clones(target, cluster, ref)
    done(target, cluster.delete(ref, purge=False))


def hardware(target: Target, cluster: Any, ref: GuestRef) -> None:
    """Devices and options, each set, set again and removed."""
    bridge = target.bridge()
    cluster.configure(ref, GuestChanges(nic=NicWish("net1", bridge, "BC:24:11:00:00:07", has_firewall=True)))
    cluster.configure(ref, GuestChanges(nic=NicWish("net1", bridge, is_link_down=True)))
    cluster.configure(ref, GuestChanges(cdrom=("sata0", "")))
    cluster.configure(ref, GuestChanges(notes="# ä\n*b*", tags=("b", "a"), display="virtio", has_agent=True))
    cluster.configure(ref, GuestChanges(notes="", tags=(), display="std", has_agent=False))
    cluster.configure(ref, GuestChanges(remove=("net1", "sata0")))


def snapshots(target: Target, cluster: Any, ref: GuestRef) -> None:
    target.end_of(cluster.take_snapshot(ref, "s1", description="first"))
    target.end_of(cluster.take_snapshot(ref, "s2", with_memory=True))
    cluster.snapshots(ref.node, ref.vmid), cluster.pool_members(ref.poolid)
    cluster.snapshot_config(ref.node, ref.vmid, "s1")
    target.end_of(cluster.roll_back(ref, "s1"))
    for name in ("s2", "s1"):
        target.end_of(cluster.remove_snapshot(ref, name))


def watching(cluster: Any, ref: GuestRef) -> None:
    for span in SPANS:
        cluster.measurements(ref.node, ref.vmid, span)
    for ask in (cluster.agent_addresses, cluster.agent_system):
        with suppress(errors.Refused):
            ask(ref.node, ref.vmid)


def power(target: Target, cluster: Any, ref: GuestRef) -> None:
    upid = cluster.start(ref)
    done(target, upid)
    cluster.task_status(upid), cluster.task_log(upid, 0, 500), cluster.node_tasks(ref.node, 0, ref.vmid)
    cluster.guest_status(ref.node, ref.vmid), cluster.console_endpoint(ref)
    watching(cluster, ref)
    cluster.configure(ref, GuestChanges(cores=3, memory_mib=512))
    cluster.configure(ref, GuestChanges(forget=("cores", "memory")))
    for verb in ("suspend", "resume", "reset"):
        done(target, getattr(cluster, verb)(ref))
    target.end_of(cluster.reboot(ref, timeout_s=1))
    done(target, cluster.stop(ref, overrule_shutdown=True))
    for off in (False, True):
        target.end_of(cluster.shutdown(ref, timeout_s=1, force_after=off))
    done(target, cluster.stop(ref))


def clones(target: Target, cluster: Any, ref: GuestRef) -> None:
    """Of the machine itself, which is no template: in full it is copied, linked it is refused."""
    source, vmid = TemplateRef(ref.node, ref.vmid, ref.uuid), target.free_vmid()
    options = {"vmid": vmid, "name": "c", "poolid": ref.poolid, "description": "m"}
    with pytest.raises(errors.Refused):
        cluster.clone(source, **options)
    done(target, cluster.clone(source, **options, full=True, storage=target.storage("images"), target_node=ref.node))
    made = cluster.guest_config(ref.node, vmid)
    done(target, cluster.delete(GuestRef(ref.node, vmid, made.uuid, ref.poolid)))


def done(target: Target, upid: Any) -> None:
    assert target.end_of(upid) == "OK"


WRONG = {
    "unknown name": ("POST", "/pools", (("poolid", "p"), ("nope", "1"))),
    "missing name": ("POST", "/pools", (("comment", "p"),)),
    "bad format": ("POST", "/pools", (("poolid", "a b"),)),
    "boolean in words": ("DELETE", "/nodes/pve1/qemu/100", (("purge", "True"),)),
    "vmid too small": ("DELETE", "/nodes/pve1/qemu/99", ()),
    "unknown path": ("GET", "/nope", ()),
    "unknown method": ("DELETE", "/version", ()),
    "text too long": ("PUT", "/nodes/pve1/qemu/100/config", (("description", "x" * 8193),)),
    "not of the list": ("GET", "/cluster/resources", (("type", "pool"),)),
    "bad part": ("PUT", "/nodes/pve1/qemu/100/config", (("ide2", "none,media=disc"),)),
    "unknown part": ("PUT", "/nodes/pve1/qemu/100/config", (("ide2", "none,medium=cdrom"),)),
    "needs another": ("GET", "/pools", (("type", "qemu"),)),
    "raw key": ("PUT", "/nodes/pve1/qemu/100/config", (("sshkeys", "ssh-ed25519 AAAA+b c"),)),
    "pattern": ("PUT", "/nodes/pve1/qemu/100/resize", (("disk", "scsi0"), ("size", "5 G"))),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_the_check_itself_finds_what_is_outside(wrong: tuple[str, str, tuple[tuple[str, str], ...]]) -> None:
    for schema in schemas():
        assert schema.faults(Call(*wrong)) != []


def test_a_missing_schema_is_no_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr("tests.contract.schema.SHARED", tmp_path)

    with pytest.raises(pytest.skip.Exception, match="no schema"):
        schemas()
