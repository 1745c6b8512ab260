"""Nothing reaches a machine that is not the one meant, in the pool meant, whatever the token may do."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from tests.devcluster.cluster import DevCluster
from vms.cluster import Cluster, errors
from vms.cluster.config import ClusterConfig
from vms.cluster.guard import Guard
from vms.cluster.tls import TlsTrust
from vms.cluster.types import GuestChanges, GuestRef, NewGuest

Attempt = Callable[[Cluster, GuestRef], object]
ATTEMPTS: dict[str, Attempt] = {
    "start": lambda cluster, ref: cluster.start(ref),
    "stop": lambda cluster, ref: cluster.stop(ref),
    "shutdown": lambda cluster, ref: cluster.shutdown(ref),
    "reboot": lambda cluster, ref: cluster.reboot(ref),
    "reset": lambda cluster, ref: cluster.reset(ref),
    "suspend": lambda cluster, ref: cluster.suspend(ref),
    "resume": lambda cluster, ref: cluster.resume(ref),
    "delete": lambda cluster, ref: cluster.delete(ref),
    "configure": lambda cluster, ref: cluster.configure(ref, GuestChanges(cores=2)),
    "set_cloud_init": lambda cluster, ref: cluster.set_cloud_init(ref, user="mallory"),
    "resize_disk": lambda cluster, ref: cluster.resize_disk(ref, slot="scsi0", size_gib=9),
    "take_snapshot": lambda cluster, ref: cluster.take_snapshot(ref, "s1"),
    "roll_back": lambda cluster, ref: cluster.roll_back(ref, "s1"),
    "remove_snapshot": lambda cluster, ref: cluster.remove_snapshot(ref, "s1"),
    "move_to_pool": lambda cluster, ref: cluster.move_to_pool(ref, "bound"),
    "console_endpoint": lambda cluster, ref: cluster.console_endpoint(ref),
}


@pytest.fixture
def cluster(devcluster: DevCluster) -> Iterator[Cluster]:
    """The portal's client, with two pools: one that is bound and one that is not."""
    made = Cluster(
        ClusterConfig(
            hosts=((devcluster.host, devcluster.port),),
            user=devcluster.user,
            token_name=devcluster.token_name,
            token_value=devcluster.token_value,
            trust=TlsTrust(devcluster.ca_file),
            vmid_range=(5000, 5999),
        )
    )
    for poolid in ("bound", "foreign"):
        made.create_pool(poolid)
    yield made
    made.close()


def ref_of(devcluster: DevCluster, pool: str) -> GuestRef:
    """A machine made behind the portal's back, and its true name."""
    made = devcluster.guest(name="victim", node="pve1", pool=pool)
    return GuestRef("pve1", made["vmid"], made["uuid"], pool)


def changes(devcluster: DevCluster) -> list[str]:
    """Requests other than reads that arrived."""
    return [name for name in devcluster.requests() if not name.startswith("GET") and name != "POST /pools"]


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_a_machine_of_another_pool_is_never_touched(devcluster: DevCluster, cluster: Cluster, attempt: Attempt) -> None:
    victim = replace(ref_of(devcluster, "foreign"), poolid="bound")

    with pytest.raises(errors.NotBound):
        attempt(cluster, victim)

    assert changes(devcluster) == []


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_another_machine_in_the_slot_is_never_touched(
    devcluster: DevCluster, cluster: Cluster, attempt: Attempt
) -> None:
    meant = replace(ref_of(devcluster, "bound"), uuid=str(uuid.uuid4()))

    with pytest.raises(errors.WrongMachine):
        attempt(cluster, meant)

    assert changes(devcluster) == []


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_without_the_guard_the_same_attempts_arrive(
    devcluster: DevCluster, cluster: Cluster, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Guard, "verified", lambda self, ref, **_: self.guest_config(ref.node, ref.vmid))
    victim = replace(ref_of(devcluster, "foreign"), poolid="bound", uuid=str(uuid.uuid4()))

    with suppress(errors.ClusterError):  # sent, and refused for the machine's state
        attempt(cluster, victim)

    assert len(changes(devcluster)) == 1


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS.keys())
def test_a_reference_without_pool_or_uuid_asks_nothing(
    devcluster: DevCluster, cluster: Cluster, attempt: Attempt
) -> None:
    true = ref_of(devcluster, "bound")
    before = devcluster.requests()

    for nobody in (replace(true, poolid=""), replace(true, uuid="")):
        with pytest.raises(errors.NotBound):
            attempt(cluster, nobody)

    assert devcluster.requests() == before


def test_the_right_machine_in_the_right_pool_is_changed(devcluster: DevCluster, cluster: Cluster) -> None:
    ref = ref_of(devcluster, "bound")

    cluster.configure(replace(ref, uuid=ref.uuid.upper()), GuestChanges(cores=2))

    assert cluster.guest_config(ref.node, ref.vmid).cores == 2


def test_a_machine_recreated_in_its_slot_is_another_machine(devcluster: DevCluster, cluster: Cluster) -> None:
    ref = ref_of(devcluster, "bound")
    devcluster.destroy(ref.vmid)
    devcluster.guest(vmid=ref.vmid, name="newcomer", node="pve1", pool="bound")

    with pytest.raises(errors.WrongMachine):
        cluster.delete(ref)

    assert devcluster.state("guests")["guests"][str(ref.vmid)]["name"] == "newcomer"


def test_a_new_machine_needs_a_pool_and_a_slot_of_the_range(devcluster: DevCluster, cluster: Cluster) -> None:
    good = NewGuest("pve1", 5000, str(uuid.uuid4()), "web", "bound", 1, 128, 1, "shared", "vmbr0")

    for wrong, error in (
        (replace(good, poolid=""), errors.NotBound),
        (replace(good, vmid=4999), errors.Refused),
        (replace(good, vmid=6000), errors.Refused),
    ):
        with pytest.raises(error):
            cluster.create(wrong)

    assert changes(devcluster) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"storage": "shared:100,serial=x"},
        {"bridge": "vmbr0,tag=7"},
        {"iso": "local:iso/a.iso,media=disk"},
        {"iso": "/etc/passwd"},
        {"uuid": "x,serial=y"},
        {"mac": "BC:24:11:00:00:01,tag=7"},
    ],
    ids=str,
)
def test_no_text_smuggles_another_option_in(devcluster: DevCluster, cluster: Cluster, wrong: dict[str, str]) -> None:
    good = NewGuest("pve1", 5000, str(uuid.uuid4()), "web", "bound", 1, 128, 1, "shared", "vmbr0")

    with pytest.raises(errors.Refused) as caught:
        cluster.create(replace(good, **wrong))  # type: ignore[arg-type]

    assert list(caught.value.fields) == list(wrong)
    assert changes(devcluster) == []
