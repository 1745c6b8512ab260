"""The storage scan: disks whose slot holds no machine any more. It only tells; nothing is ever deleted by it."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet

from vms.cluster import Cluster
from vms.cluster.errors import ClusterError
from vms.cluster.types import ClusterReading, StorageFacts, VolumeFacts
from vms.mirror import lock
from vms.models import Leftover, VirtualMachine

log = logging.getLogger(__name__)
JOB = "leftovers"
JOB_LASTS_S = 1800.0
#: Two scans must be this far apart before a disk is shown: a machine may be made or restored between two calls.
CONFIRMED_AFTER = timedelta(minutes=10)
GONE_KEPT = timedelta(days=30)


def shown() -> QuerySet[Leftover]:
    """Disks that two complete scans, far enough apart, found without a machine."""
    return Leftover.objects.filter(gone_at=None, last_seen__gte=F("first_seen") + CONFIRMED_AFTER)


def scan(proxmox: Cluster, at: datetime) -> int:
    """Lists the disks of every storage and writes those that belong to no machine. Returns how many.

    Nothing is found or lost while the cluster is not seen whole (a node is down, no quorum), nor for a storage that
    does not answer. What was removed long ago is forgotten.
    """
    with lock.held(JOB, JOB_LASTS_S) as holder:
        if holder is None:
            return 0
        try:
            listing = proxmox.read(with_quorum=True)
        except ClusterError as error:
            log.info("storage scan: %s", type(error).__name__)
            return 0
        prune(at)
        if not is_whole(listing):
            return 0
        return sum(_scan(proxmox, storage, listing, at) for storage in _storages(listing))


def prune(at: datetime) -> int:
    """Forgets disks that were removed GONE_KEPT ago; how many."""
    return Leftover.objects.filter(gone_at__lt=at - GONE_KEPT).delete()[0]


def is_whole(listing: ClusterReading) -> bool:
    """Whether every node is online and the cluster is quorate: else a slot that looks empty may not be."""
    return bool(listing.nodes) and all(node.is_online for node in listing.nodes) and listing.quorate is not False


def _storages(listing: ClusterReading) -> list[StorageFacts]:
    """Each that holds disks of machines; a shared one once."""
    once: dict[tuple[str, str], StorageFacts] = {}
    for storage in listing.storages:
        if "images" in storage.content and storage.is_available:
            once.setdefault((storage.name, _place(storage)), storage)
    return list(once.values())


def _place(storage: StorageFacts) -> str:
    return "" if storage.is_shared else storage.node


def _scan(proxmox: Cluster, storage: StorageFacts, listing: ClusterReading, at: datetime) -> int:
    try:
        volumes = proxmox.volumes(storage.node, storage.name, "images")
        found = _without_machine(proxmox, volumes, listing)
    except ClusterError as error:
        log.info("storage scan of %s: %s", storage.name, type(error).__name__)
        return 0
    with transaction.atomic():
        _write(storage, found, at)
    return len(found)


def _without_machine(proxmox: Cluster, volumes: Iterable[VolumeFacts], listing: ClusterReading) -> list[VolumeFacts]:
    """Proxmox itself is asked for each slot: the list shows only what the token may see."""
    taken = {guest.vmid for guest in listing.guests} | listing.other_vmids
    taken |= {vm.vmid for vm in VirtualMachine.objects.present().only("vmid") if vm.vmid is not None}
    there = [volume for volume in volumes if volume.vmid is not None and volume.vmid not in taken]
    empty = {vmid for vmid in {volume.vmid for volume in there} if vmid and not proxmox.slot_is_taken(vmid)}
    return [volume for volume in there if volume.vmid in empty]


def _write(storage: StorageFacts, found: list[VolumeFacts], at: datetime) -> None:
    place = _place(storage)
    for volume in found:
        facts = {"vmid": volume.vmid, "size_bytes": volume.size_bytes, "last_seen": at}
        row, is_new = Leftover.objects.get_or_create(
            node=place, volid=volume.volid[:255], defaults=facts | {"first_seen": at}
        )
        if not is_new:
            # One that had gone and is back begins anew.
            first = row.first_seen if row.gone_at is None else at
            Leftover.objects.filter(pk=row.pk).update(**facts, first_seen=first, gone_at=None)
    known = Leftover.objects.filter(node=place, volid__startswith=f"{storage.name}:", gone_at=None)
    known.exclude(volid__in=[volume.volid[:255] for volume in found]).update(gone_at=at)
