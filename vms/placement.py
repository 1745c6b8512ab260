"""On which node a new machine is made."""

from django.db.models import QuerySet

from vms.models import IsoImage, Node, Storage


def node_for_iso(iso: IsoImage, storage: str) -> str:
    """The node that can make a machine from this ISO; empty where none is known.

    A local ISO decides it. Otherwise the online node with the most free memory that has the storage for disks.
    """
    if iso.node:
        return iso.node if _fit(storage).filter(name=iso.node).exists() else ""
    roomiest = sorted(_fit(storage), key=_free_mib, reverse=True)
    return roomiest[0].name if roomiest else ""


def _fit(storage: str) -> QuerySet[Node]:
    with_storage = Storage.objects.filter(name=storage, content__contains="images").values("node")
    return Node.objects.filter(is_online=True, pk__in=with_storage)


def _free_mib(node: Node) -> int:
    return (node.memory_mib or 0) - (node.memory_used_mib or 0)
