"""On which node a new machine is made."""

import pytest

from tests.factories import make_node, make_template
from vms.models import Storage, Template
from vms.placement import node_for_template, place_in_words

pytestmark = pytest.mark.django_db
GIB = 1024


def stand(*, is_shared: bool, used: dict[str, int]) -> Template:
    """A template on pve1, and nodes that see its storage, with so many GiB of 64 used."""
    for name, used_gib in used.items():
        node = make_node(name, memory_used_mib=used_gib * GIB)
        Storage.objects.create(node=node, name="data", content="images", is_shared=is_shared)
    return make_template(node="pve1", storage="data")


def test_on_a_shared_storage_the_roomiest_node_makes_it() -> None:
    template = stand(is_shared=True, used={"pve1": 40, "pve2": 8, "pve3": 20})

    assert node_for_template(template, "pve1", "data") == "pve2"


def test_a_local_storage_keeps_it_where_the_template_is_and_says_so() -> None:
    template = stand(is_shared=False, used={"pve1": 40, "pve2": 8})

    assert node_for_template(template, "pve1", "data") == "pve1"
    assert place_in_words(template) == (
        "made on pve1: its storage is local to that node, and Proxmox clones only there"
    )


def test_a_node_that_is_off_or_lacks_the_storage_for_disks_makes_nothing() -> None:
    template = stand(is_shared=True, used={"pve1": 40, "pve2": 8})
    make_node("pve3", memory_used_mib=0)
    off = make_node("pve4", memory_used_mib=0, is_online=False)
    Storage.objects.create(node=off, name="data", content="images", is_shared=True)

    assert node_for_template(template, "pve1", "data") == "pve2"


def test_of_equal_nodes_that_of_the_template_makes_it() -> None:
    template = stand(is_shared=True, used={"pve1": 8, "pve2": 8})

    assert node_for_template(template, "pve1", "data") == "pve1"
