"""Pages of shared pools: who finds what, and each act with its sentence."""

import pytest
from django.test import Client

from accounts.models import Pool, PoolMembership
from accounts.roles import Role
from tests.cast import Cast
from tests.factories import make_reading, make_vm
from tests.sign_in import sign_in


@pytest.fixture(autouse=True)
def _read(db: None) -> None:
    make_reading()


def test_a_manager_finds_somebody_and_takes_them_in(cast: Cast, client: Client) -> None:
    sign_in(client, cast.alice)
    page = client.get(f"/pools/{cast.shared.pk}/?find=bob").content.decode()
    assert "Take in as viewer" in page

    form = {"person": cast.bob.pk, "role": "viewer"}
    page = client.post(f"/pools/{cast.shared.pk}/role/", form, follow=True).content.decode()

    assert "bob is viewer of ctf now." in page


def test_an_operator_sees_the_pool_and_may_only_leave(cast: Cast, client: Client) -> None:
    make_vm(cast.shared, "scoreboard")
    sign_in(client, cast.carol)
    page = client.get(f"/pools/{cast.shared.pk}/").content.decode()
    assert "scoreboard" in page
    assert ("Leave" in page, "Take out" in page, "Take somebody in" in page) == (True, False, False)

    client.post(f"/pools/{cast.shared.pk}/take-out/", {"person": cast.carol.pk})

    assert not PoolMembership.objects.filter(user=cast.carol).exists()


@pytest.mark.parametrize("form", [{}, {"person": "x"}, {"person": "1", "role": "owner"}, {"person": "9" * 30}])
def test_odd_forms_change_nobody(cast: Cast, client: Client, form: dict[str, str]) -> None:
    sign_in(client, cast.alice)
    before = set(PoolMembership.objects.values_list("user", "role"))

    answer = client.post(f"/pools/{cast.shared.pk}/role/", form, follow=True)

    assert answer.status_code == 200
    assert set(PoolMembership.objects.values_list("user", "role")) == before


def test_an_rtp_needs_a_fresh_proof_and_makes_a_pool(cast: Cast, client: Client) -> None:
    form = {"name": "robotics", "manager": "bob"}
    client.post("/pools/new/", form)
    sign_in(client, cast.rita, fresh=False)
    client.post("/pools/new/", form)
    assert not Pool.objects.filter(name="robotics").exists()

    sign_in(client, cast.rita)
    page = client.post("/pools/new/", form, follow=True).content.decode()

    assert "The pool robotics is made." in page
    assert PoolMembership.objects.get(pool__name="robotics").role == Role.MANAGER


def test_what_was_typed_stays_beside_the_sentence(cast: Cast, client: Client) -> None:
    sign_in(client, cast.rita)

    answer = client.post("/pools/new/", {"name": "robotics", "manager": "nobody"})

    page = answer.content.decode()
    assert (answer.status_code, "There is nobody called nobody." in page) == (422, True)
    assert 'value="robotics"' in page
