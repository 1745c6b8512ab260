"""The Snapshots tab as a member meets it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from quotas.models import Policy
from tests.cast import Cast
from tests.factories import make_reading, make_vm
from tests.sign_in import sign_in
from vms import snapshot_tree
from vms.models import Operation, VirtualMachine
from vms.states import OperationKind, Power

KEY = "0" * 32


def kept(name: str, parent: str = "", day: int = 12, **more: Any) -> dict[str, Any]:
    """One row as the mirror writes it."""
    row: dict[str, Any] = {
        "name": name,
        "parent": parent,
        "taken_at": datetime(2026, 5, day, 14, 2, tzinfo=UTC).isoformat(),
    }
    row |= {"with_memory": False, "note": "", "by": "alice", "memory_gib": 0, "cores": 2, "memory_mib": 2048}
    return row | {"disk_gib": 32, "start_at_boot": False} | more


@pytest.fixture
def web(cast: Cast) -> VirtualMachine:
    """A running machine with three snapshots; it stands on the first again."""
    make_reading()
    rows = [kept("clean"), kept("upgrade", "clean", 13, with_memory=True, memory_gib=2), kept("broken", "upgrade", 14)]
    shape: dict[str, Any] = {"cores": 2, "memory_mib": 2048, "disk_gib": 32, "power": Power.RUNNING}
    hardware = {"snapshot_parent": "clean"}
    return make_vm(cast.alices, "web-01", snapshots=rows, snapshot_gib=2, hardware=hardware, **shape)


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    """Her browser."""
    sign_in(client, cast.alice)
    return client


def text_of(client: Client, path: str) -> str:
    """What the page says, in one line."""
    return " ".join(client.get(path).content.decode().split())


def test_the_tree_shows_where_the_machine_stands(web: VirtualMachine) -> None:
    lines = snapshot_tree.lines(web.snapshots, "clean")
    assert [(line.rail.replace("\u00a0", " "), line.name or "Now") for line in lines] == [
        ("", "clean"),
        ("└ ", "upgrade"),
        ("  ", "broken"),
        ("", "Now"),
    ]


def test_parents_that_go_in_a_circle_are_shown_once_each() -> None:
    lines = snapshot_tree.lines([kept("a", "b"), kept("b", "a"), kept("c", "gone")], "a")
    assert sorted(line.name for line in lines) == ["", "a", "b", "c"]


def test_a_way_back_names_what_is_lost_and_what_stays(alice: Client, web: VirtualMachine) -> None:
    page = text_of(alice, f"/vms/{web.pk}/snapshots/clean/roll-back/")
    assert "Everything on its disks since" in page
    assert "2 newer snapshots stay: upgrade, broken." in page
    assert "web-01 is off afterwards." in page
    assert not Operation.objects.exists()


def test_a_deletion_says_that_the_machine_stays(alice: Client, web: VirtualMachine) -> None:
    page = text_of(alice, f"/vms/{web.pk}/snapshots/upgrade/delete/")
    assert "web-01 stays as it is." in page
    assert "2 GiB of disk become free again." in page


@pytest.mark.parametrize("act", ["roll-back", "delete"])
def test_asking_twice_makes_one_operation(alice: Client, web: VirtualMachine, act: str) -> None:
    for _ in range(2):
        alice.post(f"/vms/{web.pk}/snapshots/clean/{act}/", {"key": KEY, "confirm": "yes"})
    kinds = {"roll-back": OperationKind.ROLL_BACK, "delete": OperationKind.DROP_SNAPSHOT}
    assert [op.kind for op in Operation.objects.all()] == [kinds[act]]


def test_what_was_typed_stays_beside_why_it_is_refused(alice: Client, web: VirtualMachine) -> None:
    asked = {"name": "clean", "note": "before tea", "key": KEY}
    answer = alice.post(f"/vms/{web.pk}/snapshots/take/", asked)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "There is a snapshot named clean already." in page
    assert 'value="before tea"' in page


def test_a_snapshot_that_is_gone_leads_back_to_the_list(alice: Client, web: VirtualMachine) -> None:
    answer = alice.get(f"/vms/{web.pk}/snapshots/nope/roll-back/", follow=True)
    assert "There is no snapshot of that name any more." in answer.content.decode()


def test_a_limit_is_shown_as_a_number_of_a_number(alice: Client, web: VirtualMachine) -> None:
    Policy.objects.create(name="house", is_default=True, cores=None, memory_mib=None, snapshots_per_vm=5)
    assert "3 of 5" in text_of(alice, f"/vms/{web.pk}/snapshots/")


def test_who_only_operates_sees_the_tree_and_no_buttons(cast: Cast, client: Client) -> None:
    vm = make_vm(cast.shared, "ctf-box", snapshots=[kept("clean")])
    sign_in(client, cast.carol)
    page = text_of(client, f"/vms/{vm.pk}/snapshots/")
    assert "clean" in page
    assert "Roll back" not in page
