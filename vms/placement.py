"""On which node a new machine is made, and on which storages its disks may lie."""

from django.conf import settings
from django.db.models import QuerySet

from vms.models import IsoImage, Node, Storage, Template


def node_for_iso(iso: IsoImage, storage: str) -> str:
    """The node that can make a machine from this ISO; empty where none is known.

    A local ISO decides it. Otherwise the online node with the most free memory that has the storage for disks.
    """
    if iso.node:
        return iso.node if _fit(storage).filter(name=iso.node).exists() else ""
    roomiest = sorted(_fit(storage), key=_free_mib, reverse=True)
    return roomiest[0].name if roomiest else ""


def node_for_template(template: Template, node: str, storage: str) -> str:
    """The node on which a clone of the template is made; `node`: where the template is.

    On a shared storage: the online node with the most free memory that sees the template's storage and that for disks.
    A local one decides it: Proxmox clones only where the disks are. Cloning there and moving the machine afterwards
    would copy its disks twice, and only to where the next clone would be made from the same node again.
    """
    home = Storage.objects.filter(node__name=node, name=template.storage).first()
    if home is None or not home.is_shared:
        return node
    seeing = _fit(storage).filter(storages__name=template.storage)
    return max(seeing, key=lambda each: (_free_mib(each), each.name == node)).name if seeing else node


def place_in_words(template: Template) -> str:
    """For RTPs: where its clones are made and why."""
    home = Storage.objects.filter(node__name=template.node, name=template.storage).first()
    if home is not None and home.is_shared:
        return "made on the node with the most free memory"
    return f"made on {template.node}: its storage is local to that node, and Proxmox clones only there"


def disk_storages(node: str) -> list[str]:
    """Storages of the node on which members may have disks (PROXMOX_VM_STORAGES); that of new disks first."""
    wanted = dict.fromkeys((settings.PROXMOX_VM_STORAGE, *settings.PROXMOX_VM_STORAGES))
    found = Storage.objects.filter(node__name=node, name__in=wanted, content__contains="images")
    there = set(found.values_list("name", flat=True))
    return [name for name in wanted if name in there]


def _fit(storage: str) -> QuerySet[Node]:
    with_storage = Storage.objects.filter(name=storage, content__contains="images").values("node")
    return Node.objects.filter(is_online=True, pk__in=with_storage)


def _free_mib(node: Node) -> int:
    return (node.memory_mib or 0) - (node.memory_used_mib or 0)
