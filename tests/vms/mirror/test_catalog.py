"""Templates and ISO images on offer."""

import uuid

from tests.vms.mirror.house import House
from vms.mirror.catalog import growing_disk, sync_catalog
from vms.models import IsoImage, Storage, Template


def read(house: House) -> None:
    """One cycle of the mirror and one of the catalog."""
    house.cycle()
    assert sync_catalog(house.cluster, house.at)


def test_templates_are_listed_with_what_create_needs(house: House) -> None:
    read(house)
    debian = Template.objects.get(name="debian-12")
    assert (debian.vmid, debian.node, debian.disk_slot, debian.storage) == (9000, "pve1", "scsi0", "shared")
    assert (debian.cores, debian.memory_mib, debian.disk_gib, debian.has_cloud_init) == (1, 512, 2, True)
    assert not Template.objects.get(name="small-linux").has_cloud_init


def test_an_iso_is_listed_once_where_it_is_shared_and_per_node_where_it_is_not(house: House) -> None:
    read(house)
    places = set(IsoImage.objects.values_list("volid", "node"))
    local = {("local:iso/grub-rescue.iso", node) for node in ("pve1", "pve2", "pve3")}
    assert places == {("shared:iso/small-linux.iso", ""), *local}
    assert IsoImage.objects.get(node="pve2").name == "grub-rescue.iso"


def test_storages_are_listed_with_their_room(house: House) -> None:
    read(house)
    shared = Storage.objects.filter(name="shared", is_shared=True)
    assert shared.count() == 3
    assert all(row.total_bytes and "iso" in row.content for row in shared)


def test_marks_of_rtps_stay(house: House) -> None:
    read(house)
    Template.objects.filter(vmid=9000).update(is_hidden=True, title="Debian 12")
    IsoImage.objects.update(is_hidden=True)
    read(house)
    debian = Template.objects.get(vmid=9000)
    assert (debian.is_hidden, debian.title) == (True, "Debian 12")
    assert not IsoImage.objects.filter(is_hidden=False).exists()


def test_a_template_made_anew_in_the_slot_is_another_one(house: House) -> None:
    read(house)
    Template.objects.filter(vmid=9000).update(title="Debian 12")
    house.devcluster.change(9000, recreate=True, template=True, name="debian-13")
    read(house)
    old, new = Template.objects.get(title="Debian 12"), Template.objects.get(name="debian-13")
    assert (old.missing_since, new.missing_since, new.title) == (house.at, None, "")


def test_a_template_is_only_missing_when_its_node_says_so(house: House) -> None:
    read(house)
    with house.devcluster.fault("node_down", node="pve1"):
        read(house)
        assert not Template.objects.exclude(missing_since=None).exists()
    house.devcluster.destroy(9000)
    read(house)
    assert list(Template.objects.exclude(missing_since=None).values_list("vmid", flat=True)) == [9000]


def test_an_empty_list_takes_nothing_off_the_shelf(house: House) -> None:
    read(house)
    with house.devcluster.fault("resources_empty"):
        house.cycle()
        assert not sync_catalog(house.cluster, house.at)
    assert not Template.objects.exclude(missing_since=None).exists()
    assert not IsoImage.objects.exclude(missing_since=None).exists()


def test_the_disk_that_grows_is_the_one_it_boots_from(house: House) -> None:
    made = house.machine(name="two-disks", disk_gib=4)
    config = {"scsi1": "shared:1/vm-1-disk-7.qcow2,size=9G", "efidisk0": "shared:1/vm-1-disk-8.qcow2,size=528K"}
    house.devcluster.change(made["vmid"], config=config | {"boot": "order=net0;scsi1;scsi0"})
    disk = growing_disk(house.cluster.guest_config(made["node"], made["vmid"]))
    assert disk is not None
    assert disk.slot == "scsi1"


def test_identity_of_a_template_is_its_uuid(house: House) -> None:
    read(house)
    assert {row.smbios_uuid for row in Template.objects.all()} == {
        uuid.UUID(house.cluster.guest_config("pve1", vmid).uuid) for vmid in (9000, 9001)
    }
