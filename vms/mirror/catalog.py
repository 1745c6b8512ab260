"""What the cluster offers: storages, templates and ISO images, read apart from the machines every few minutes."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError
from vms.cluster.types import ClusterReading, DiskFacts, GuestConfig, GuestFacts, StorageFacts, VolumeFacts
from vms.mirror import lock
from vms.mirror.fetch import fetch
from vms.mirror.sweep import prune_runs
from vms.models import IsoImage, Node, Storage, Template
from vms.units import gib

JOB = "catalog"
JOB_LASTS_S = 300.0
#: (storage, node); the node is empty for a shared storage
Place = tuple[str, str]


def sync_catalog(cluster: Cluster, at: datetime | None = None) -> bool:
    """One reading of the catalog. False where another worker is at it or Proxmox does not answer."""
    at = at or timezone.now()
    with lock.held(JOB, JOB_LASTS_S) as holder:
        if holder is None:
            return False
        prune_runs(at)
        try:
            listing = cluster.read()
        except ClusterError:
            return False
        online = {node.name for node in listing.nodes if node.is_online}
        if not online:
            return False
        templates = [guest for guest in listing.guests if guest.is_template and guest.node in online]
        places = [(guest.node, guest.vmid) for guest in templates]
        configs = fetch(cluster, places, settings.PENDING_SWEEP_PARALLEL).configs
        isos = read_isos(cluster, listing.storages, online)
        with transaction.atomic():
            lock.require(JOB, holder)
            _write_storages(listing, at)
            _write_templates(listing, configs, at)
            _write_isos(isos, at)
        return True


def read_isos(
    cluster: Cluster, storages: Iterable[StorageFacts], online: set[str]
) -> dict[Place, tuple[VolumeFacts, ...]]:
    """The images of every storage on offer: a shared one once, a local one on each node. Silent places are left out."""
    found: dict[Place, tuple[VolumeFacts, ...]] = {}
    for storage in sorted(storages, key=lambda each: (each.name, each.node)):
        place = (storage.name, "" if storage.is_shared else storage.node)
        if place in found or storage.node not in online or not _offers_isos(storage):
            continue
        try:
            found[place] = cluster.volumes(storage.node, storage.name, "iso")
        except ClusterError:
            continue
    return found


def _offers_isos(storage: StorageFacts) -> bool:
    wanted = {name for name in settings.PROXMOX_ISO_STORAGE.split(",") if name}
    return "iso" in storage.content and storage.is_available and (not wanted or storage.name in wanted)


def _write_storages(listing: ClusterReading, at: datetime) -> None:
    nodes = {node.name: node for node in Node.objects.all()}
    for facts in listing.storages:
        node = nodes.get(facts.node)
        if node is None or not facts.is_available:
            continue
        Storage.objects.update_or_create(
            node=node,
            name=facts.name,
            defaults={
                "is_shared": facts.is_shared,
                "content": ",".join(sorted(facts.content))[:200],
                "total_bytes": facts.total_bytes,
                "used_bytes": facts.used_bytes,
                "last_seen": at,
            },
        )


def _write_templates(listing: ClusterReading, configs: Mapping[int, GuestConfig], at: datetime) -> None:
    """Marks of RTPs (hidden, title) stay. Missing is what its node, with all others online, shows no more."""
    offline = {node.name for node in listing.nodes if not node.is_online}
    by_vmid = {guest.vmid: guest for guest in listing.guests}
    seen = set()
    for vmid, config in sorted(configs.items()):
        if not config.uuid or config.uuid in seen or not config.is_template:
            continue
        seen.add(config.uuid)
        columns = template_columns(by_vmid[vmid], config) | {"last_seen": at, "missing_since": None}
        Template.objects.update_or_create(smbios_uuid=config.uuid, defaults=columns)
    known_nodes = {node.name for node in listing.nodes} - offline
    for template in Template.objects.filter(missing_since=None).exclude(smbios_uuid__in=seen):
        guest = by_vmid.get(template.vmid)
        is_other = guest is not None and (template.vmid in configs or not guest.is_template)
        if template.node in known_nodes and (guest is None or is_other) and not offline:
            template.missing_since = at
            template.save(update_fields=["missing_since"])


def template_columns(guest: GuestFacts, config: GuestConfig) -> dict[str, object]:
    """Observed columns of a template."""
    disk = growing_disk(config)
    return {
        "vmid": guest.vmid,
        "node": guest.node,
        "name": (config.name or f"template-{guest.vmid}")[:120],
        "cores": config.cores,
        "memory_mib": config.memory_mib,
        "disk_gib": gib(sum(each.size_bytes or 0 for each in config.disks if each.is_counted)) or 1,
        "disk_slot": disk.slot if disk else "",
        "storage": disk.storage if disk else "",
        "has_cloud_init": config.has_cloud_init,
        "cloud_init_user": config.cloud_init_user[:32],
    }


def growing_disk(config: GuestConfig) -> DiskFacts | None:
    """The disk that a member's size means: the first of the boot order, else the first real one."""
    disks = {
        disk.slot: disk
        for disk in config.disks
        if disk.is_counted and not disk.is_unused and not disk.slot.startswith(("efidisk", "tpmstate"))
    }
    return next((disks[slot] for slot in [*config.boot_order, *disks] if slot in disks), None)


def _write_isos(found: Mapping[Place, tuple[VolumeFacts, ...]], at: datetime) -> None:
    for (storage, node), volumes in found.items():
        for volume in volumes:
            IsoImage.objects.update_or_create(
                volid=volume.volid[:255],
                node=node,
                defaults={
                    "name": volume.name[:200],
                    "size_bytes": volume.size_bytes or 0,
                    "last_seen": at,
                    "missing_since": None,
                },
            )
        gone = IsoImage.objects.filter(volid__startswith=f"{storage}:", node=node, missing_since=None)
        gone.exclude(volid__in=[volume.volid for volume in volumes]).update(missing_since=at)
