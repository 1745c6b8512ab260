"""The storage scan shows disks without a machine to RTPs, after two looks at a cluster that was seen whole."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.devcluster.cluster import DevCluster
from tests.vms.operations.conftest import shop
from tests.vms.operations.workshop import Workshop
from vms import leftovers
from vms.cluster import cluster
from vms.models import Leftover

__all__ = ["shop"]
LEFT = "shared:vm-7777-disk-0"
LATER = timedelta(hours=6)


@pytest.fixture
def house(shop: Workshop) -> DevCluster:
    """The stand-in, whose portal may see the disks of machines that are gone, and one such disk."""
    right = [{"path": "/vms", "role": "PortalDisks"}]
    tokens = [{**each, "tokenid": shop.cluster.token_name} for each in right]
    asked = {"userid": shop.cluster.user, "roles": {"PortalDisks": ["VM.Audit"]}, "acl": [*right, *tokens]}
    shop.cluster.control("POST", "/users", asked)
    leave(shop.cluster)
    return shop.cluster


def leave(house: DevCluster, volid: str = LEFT, vmid: int = 7777, **where: Any) -> None:
    """A disk whose machine is gone."""
    house.control("POST", "/volumes", {"storage": volid.partition(":")[0], "volid": volid, "vmid": vmid, **where})


def scanned(at: datetime) -> list[str]:
    """What RTPs see after a scan."""
    leftovers.scan(cluster(), at)
    return [each.volid for each in leftovers.shown()]


def test_a_disk_is_shown_from_the_second_scan_on_and_none_is_deleted(house: DevCluster) -> None:
    now = timezone.now()

    assert (scanned(now), scanned(now + LATER)) == ([], [LEFT])
    assert LEFT in house.state("volumes")["volumes"]
    assert Leftover.objects.get().vmid == 7777


def test_two_scans_at_the_same_time_are_one(house: DevCluster) -> None:
    now = timezone.now()

    assert (scanned(now), scanned(now + timedelta(minutes=9))) == ([], [])


def test_disks_of_machines_and_templates_are_no_leftovers(house: DevCluster, shop: Workshop) -> None:
    shop.machine("web-01")
    house.guest(name="not-ours", node="pve2", storage="local")
    now = timezone.now()

    assert scanned(now) + scanned(now + LATER) == [LEFT]


def test_a_machine_the_token_may_not_see_keeps_its_disks(shop: Workshop) -> None:
    hidden = shop.cluster.guest(name="hidden", pool=None)
    volid = f"shared:{hidden['vmid']}/vm-{hidden['vmid']}-disk-0.qcow2"
    right = {"userid": shop.cluster.user, "roles": {"Store": ["Datastore.Allocate"]}}
    path = {"path": "/storage", "role": "Store"}
    shop.cluster.control("POST", "/users", right | {"acl": [path, {**path, "tokenid": shop.cluster.token_name}]})
    now = timezone.now()

    assert volid in shop.cluster.state("volumes")["volumes"]
    assert scanned(now) + scanned(now + LATER) == []


def test_a_cluster_that_is_not_seen_whole_changes_nothing(house: DevCluster) -> None:
    now = timezone.now()
    scanned(now)
    before = list(Leftover.objects.values())
    house.control("DELETE", f"/volumes?storage=shared&volid={LEFT}")

    with house.fault("node_down", node="pve3"):
        scanned(now + LATER)

    assert list(Leftover.objects.values()) == before


def test_a_storage_that_does_not_answer_changes_nothing_of_its_own(house: DevCluster) -> None:
    now = timezone.now()
    scanned(now)
    before = list(Leftover.objects.values())

    with house.fault("lose_before", match={"method": "GET", "path_regex": "/content$"}):
        scanned(now + LATER)

    assert list(Leftover.objects.values()) == before


def test_one_that_was_removed_goes_from_the_page_and_begins_anew(house: DevCluster) -> None:
    now = timezone.now()
    seen = [scanned(now), scanned(now + LATER)]
    house.control("DELETE", f"/volumes?storage=shared&volid={LEFT}")
    seen.append(scanned(now + 2 * LATER))
    leave(house)

    assert [*seen, scanned(now + 3 * LATER)] == [[], [LEFT], [], []]
    assert scanned(now + 4 * LATER) == [LEFT]


def test_a_disk_that_was_removed_is_forgotten_after_a_month(house: DevCluster) -> None:
    now = timezone.now()
    scanned(now)
    Leftover.objects.update(gone_at=now)
    house.control("DELETE", f"/volumes?storage=shared&volid={LEFT}")
    counts = []
    for days in (29, 31):
        scanned(now + timedelta(days=days))
        counts.append(Leftover.objects.count())

    assert counts == [1, 0]
