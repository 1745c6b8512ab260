"""Clones are made on the roomiest node that sees the template's disks, on the stand-in."""

from tests.vms.operations.workshop import Workshop, state_of
from vms.models import Node, Storage, Template
from vms.states import OperationState


def seen_by(shop: Workshop, *, is_shared: bool) -> Template:
    """The rows say that pve2 has more memory free, and which nodes see the template's storage."""
    template = Template.objects.get(pk=shop.template.pk)
    for name, used_mib in (("pve1", 40_000), ("pve2", 1_000)):
        known = {"is_online": True, "memory_mib": 65_536, "memory_used_mib": used_mib}
        node, _ = Node.objects.update_or_create(name=name, defaults=known)
        marks = {"is_shared": is_shared, "content": "images"}
        Storage.objects.update_or_create(node=node, name=template.storage, defaults=marks)
    return template


def test_a_clone_of_a_shared_template_is_made_where_most_memory_is_free(shop: Workshop, settings: object) -> None:
    template = seen_by(shop, is_shared=True)
    settings.PROXMOX_VM_STORAGE = template.storage  # type: ignore[attr-defined]

    op = shop.work(shop.from_template())

    (guest,) = shop.made()
    assert (state_of(op)[0], guest["node"], op.vm.node) == (OperationState.SUCCEEDED, "pve2", "pve2")


def test_where_the_rows_say_local_the_templates_node_makes_it(shop: Workshop, settings: object) -> None:
    template = seen_by(shop, is_shared=False)
    settings.PROXMOX_VM_STORAGE = template.storage  # type: ignore[attr-defined]

    op = shop.work(shop.from_template())

    (guest,) = shop.made()
    assert (state_of(op)[0], guest["node"]) == (OperationState.SUCCEEDED, template.node)
