"""What the cluster has and gives away; what is left without its largest node."""

from django.test import Client

from tests.cast import Cast
from tests.factories import make_node, make_reading, make_vm
from tests.sign_in import sign_in
from vms import capacity
from vms.models import Storage
from vms.states import Lifecycle, Power

RUNS = {"power": Power.RUNNING}


def test_running_and_allocated_are_counted_by_node(cast: Cast) -> None:
    make_node("pve1")
    make_node("pve2")
    make_vm(cast.alices, node="pve1", cores=4, memory_mib=4096, **RUNS)
    make_vm(cast.bobs, node="pve1", cores=2, memory_mib=1024)
    make_vm(cast.bobs, node="pve1", cores=8, lifecycle=Lifecycle.GONE, vmid=None)

    first, second = capacity.nodes()

    assert (first.machines, first.awake, first.cores, first.cores_running) == (2, 1, 6, 4)
    assert (first.memory_mib, first.memory_running_mib, second.machines) == (5120, 4096, 0)


def test_what_is_left_without_the_largest_node(cast: Cast) -> None:
    make_node("pve1", memory_mib=16_384)
    make_node("pve2", memory_mib=8_192)
    make_node("pve3", memory_mib=65_536, is_online=False)
    make_vm(cast.alices, node="pve2", memory_mib=6_144, **RUNS)
    assert capacity.spare(capacity.nodes()) == capacity.Spare("pve1", 2_048)

    make_vm(cast.alices, node="pve1", memory_mib=4_096, **RUNS)
    short = capacity.spare(capacity.nodes())

    assert short is not None
    assert (short.is_enough, short.missing_mib) == (False, 2_048)


def test_one_node_has_no_spare(cast: Cast) -> None:
    make_node("pve1")

    assert capacity.spare(capacity.nodes()) is None


def test_a_shared_storage_stands_once(cast: Cast) -> None:
    for name in ("pve1", "pve2"):
        node = make_node(name)
        sizes = {"total_bytes": 100 * capacity.GIB, "used_bytes": 95 * capacity.GIB, "content": "images"}
        Storage.objects.create(node=node, name="ceph", is_shared=True, **sizes)
        Storage.objects.create(node=node, name="local-lvm", **sizes)

    found = capacity.storages()

    assert [(line.name, line.where) for line in found] == [
        ("ceph", "shared"), ("local-lvm", "pve1"), ("local-lvm", "pve2"),
    ]  # fmt: skip
    assert all(line.is_low for line in found)


def test_rtps_alone_see_it_also_while_a_node_is_silent(cast: Cast, client: Client) -> None:
    make_reading()
    make_node("pve1", is_online=False)
    assert sign_in(client, cast.alice).get("/rtp/capacity/").status_code == 403

    page = sign_in(client, cast.rita).get("/rtp/capacity/").content.decode()

    assert "does not answer since" in page
