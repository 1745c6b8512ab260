"""The page on which a machine is moved: which pools are on offer, what it would use, and why it is refused."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Pool, PoolMembership
from accounts.roles import PoolKind, Role
from quotas.models import Policy
from tests.cast import Cast
from tests.factories import make_reading, make_vm
from tests.sign_in import sign_in
from vms.models import Operation
from vms.states import OperationKind, Power

KEY = "e" * 32


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    """Alice's browser."""
    make_reading()
    sign_in(client, cast.alice)
    return client


def test_only_open_listed_pools_one_manages_are_on_offer(cast: Cast, alice: Client) -> None:
    vm = make_vm(cast.alices, "web-01")
    others = {"hidden": {"hidden": True}, "shut": {"closed_at": timezone.now()}, "looked-at": {}, "good": {}}
    for name, columns in others.items():
        pool = Pool.objects.create(kind=PoolKind.SHARED, name=name, **columns)  # type: ignore[arg-type]
        role = Role.OPERATOR if name == "looked-at" else Role.MANAGER
        PoolMembership.objects.create(pool=pool, user=cast.alice, role=role)

    page = alice.get(f"/vms/{vm.pk}/move/").content.decode()

    assert [name for name in (*others, "ctf", "My VMs") if f"<span>{name}<" in page] == ["good", "ctf"]


def test_what_it_would_use_stands_beside_each_pool(cast: Cast, alice: Client) -> None:
    Policy.objects.create(name="default", is_default=True, cores=6, memory_mib=8192, disk_gib=250)
    make_vm(cast.shared, power=Power.RUNNING, cores=4, memory_mib=4096, disk_gib=50)
    vm = make_vm(cast.alices, "web-01", power=Power.RUNNING, cores=3, memory_mib=1024, disk_gib=20)

    page = alice.get(f"/vms/{vm.pk}/move/").content.decode()

    assert "CPU: 7 cores of 6 cores, does not fit" in page
    assert "Disk: 70 GiB of 250 GiB" in page


def test_a_move_is_asked_for_once_however_often_it_is_sent(cast: Cast, alice: Client) -> None:
    vm = make_vm(cast.alices, "web-01")
    form = {"into": str(cast.shared.pk), "key": KEY}

    answers = [alice.post(f"/vms/{vm.pk}/move/", form) for _ in range(2)]

    assert [answer.headers["Location"] for answer in answers] == [f"/vms/{vm.pk}/"] * 2
    op = Operation.objects.get()
    assert (op.kind, op.pool) == (OperationKind.MOVE, cast.shared)


def test_the_own_pool_is_made_when_it_is_first_needed(cast: Cast, client: Client) -> None:
    PoolMembership.objects.filter(user=cast.carol).update(role=Role.MANAGER)
    vm = make_vm(cast.shared, "web-01")
    sign_in(client, cast.carol)
    assert "My VMs" in client.get(f"/vms/{vm.pk}/move/").content.decode()
    before = Pool.objects.filter(owner=cast.carol).exists()

    client.post(f"/vms/{vm.pk}/move/", {"into": "own", "key": KEY})

    assert (before, Operation.objects.get().pool.owner) == (False, cast.carol)


def test_a_refusal_stands_beside_the_pools_and_says_what_makes_room(cast: Cast, alice: Client) -> None:
    Policy.objects.create(name="default", is_default=True, cores=4, memory_mib=8192, disk_gib=250)
    make_vm(cast.shared, "scoreboard", power=Power.RUNNING, cores=3)
    vm = make_vm(cast.alices, "web-01", power=Power.RUNNING, cores=2)

    answer = alice.post(f"/vms/{vm.pk}/move/", {"into": str(cast.shared.pk), "key": KEY})

    page = answer.content.decode()
    assert (answer.status_code, 'id="id_into_error"' in page) == (422, True)
    assert "This needs 2 cores; 1 of 4 are free." in page
    assert "Stop scoreboard (3 cores) to make room." in page
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({}, "Choose the pool it goes to."),
        ({"into": "bobs"}, "That pool is not on offer any more. Choose another."),
        ({"into": "../1"}, "That pool is not on offer any more. Choose another."),
    ],
)
def test_odd_pools_are_refused_beside_the_field(cast: Cast, alice: Client, form: dict[str, str], sentence: str) -> None:
    vm = make_vm(cast.alices, "web-01")
    if form.get("into") == "bobs":
        form = {"into": str(cast.bobs.pk)}

    answer = alice.post(f"/vms/{vm.pk}/move/", form | {"key": KEY})

    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert not Operation.objects.exists()


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        ("nowhere", "There is no pool called nowhere."),
        ("shut", "The pool shut is closed"),
        ("alice", "in alice already"),
    ],
)
def test_an_rtp_names_any_pool_and_is_told_what_is_wrong_with_it(
    cast: Cast, client: Client, other: str, sentence: str
) -> None:
    Pool.objects.create(kind=PoolKind.SHARED, name="shut", closed_at=timezone.now())
    vm = make_vm(cast.alices, "web-01")
    sign_in(client, cast.rita)

    answer = client.post(f"/vms/{vm.pk}/move/", {"other": other, "key": KEY})

    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)


def test_rtp_power_takes_a_fresh_proof(cast: Cast, client: Client) -> None:
    vm = make_vm(cast.alices, "web-01")
    sign_in(client, cast.rita, fresh=False)
    form = {"other": "BOB", "key": KEY}
    asked = client.post(f"/vms/{vm.pk}/move/", form)
    before = Operation.objects.exists()
    sign_in(client, cast.rita)

    client.post(f"/vms/{vm.pk}/move/", form)

    assert (asked.status_code, before, Operation.objects.get().pool) == (303, False, cast.bobs)


def test_an_operator_finds_no_way_to_move(cast: Cast, client: Client) -> None:
    vm = make_vm(cast.shared, "web-01")
    for who, finds in ((cast.carol, False), (cast.alice, True)):
        sign_in(client, who)
        assert (f"/vms/{vm.pk}/move/" in client.get(f"/vms/{vm.pk}/").content.decode()) == finds
    sign_in(client, cast.carol)
    assert client.post(f"/vms/{vm.pk}/move/", {"into": "own", "key": KEY}).status_code == 403


def test_a_machine_that_is_busy_or_locked_says_so_first(cast: Cast, alice: Client) -> None:
    vm = make_vm(cast.alices, "web-01", locked_at=timezone.now(), lock_reason="a miner")

    page = alice.get(f"/vms/{vm.pk}/move/").content.decode()

    assert "An RTP locked this VM: a miner" in page
    assert "Move web-01</button>" not in page
