"""Policies in the admin: impact first, and the second of two editors sees both versions."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent
from quotas.models import Allowance, Policy
from tests.cast import Cast
from tests.factories import make_vm
from tests.sign_in import sign_in
from vms.states import Power


@pytest.fixture
def rita(cast: Cast, client: Client) -> Client:
    """Her browser, with a fresh proof."""
    return sign_in(client, cast.rita)


def fields(**changed: Any) -> dict[str, Any]:
    """What the form sends."""
    return {"name": "default", "is_default": "on", "cores": "8", "memory_mib": "8192", "disk_gib": "250"} | changed


def seen_in(page: str) -> str:
    """The fingerprint that a form carries."""
    found = re.search(r'name="seen" value="(\w+)"', page)
    return found[1] if found else ""


def test_a_save_shows_its_impact_and_saves_only_when_confirmed(cast: Cast, rita: Client) -> None:
    make_vm(cast.alices, "db", cores=4, power=Power.RUNNING)
    page = rita.post("/admin/quotas/policy/add/", fields(cores="2")).content.decode()
    assert "1 of them falls" in page
    assert "4 cores in use" in page
    assert not Policy.objects.exists()

    rita.post("/admin/quotas/policy/add/", fields(cores="2", confirm="yes"))

    assert Policy.objects.get().cores == 2
    assert AuditEvent.objects.filter(verb="policy.saved").count() == 1


def test_the_second_of_two_editors_sees_both_versions(cast: Cast, rita: Client) -> None:
    policy = Policy.objects.create(name="default", is_default=True, cores=8)
    address = f"/admin/quotas/policy/{policy.pk}/change/"
    seen = seen_in(rita.get(address).content.decode())
    rita.post(address, fields(cores="12", seen=seen, confirm="yes"))

    page = rita.post(address, fields(cores="4", seen=seen, confirm="yes")).content.decode()

    assert "rita saved this while you had it open" in page
    assert '<th scope="row">Cores</th><td>12</td><td>4</td>' in page
    assert 'value="4"' in page
    policy.refresh_from_db()
    assert policy.cores == 12


def test_sent_again_it_is_meant_for_what_was_shown(cast: Cast, rita: Client) -> None:
    policy = Policy.objects.create(name="default", is_default=True, cores=8)
    address = f"/admin/quotas/policy/{policy.pk}/change/"
    page = rita.post(address, fields(cores="4", seen="old", confirm="yes")).content.decode()

    rita.post(address, fields(cores="4", seen=seen_in(page), confirm="yes"))

    policy.refresh_from_db()
    assert policy.cores == 4


def test_the_impact_carries_on_what_its_editor_saw(cast: Cast, rita: Client) -> None:
    policy = Policy.objects.create(name="default", is_default=True, cores=8)
    address = f"/admin/quotas/policy/{policy.pk}/change/"
    seen = seen_in(rita.get(address).content.decode())
    impact = rita.post(address, fields(cores="4", seen=seen)).content.decode()
    Policy.objects.update(cores=12)

    page = rita.post(address, fields(cores="4", seen=seen_in(impact), confirm="yes")).content.decode()

    assert "saved this while you had it open" in page
    assert Policy.objects.get().cores == 12


def test_nothing_changed_is_no_audit_row(cast: Cast, rita: Client) -> None:
    policy = Policy.objects.create(name="default", is_default=True, cores=8, memory_mib=8192, disk_gib=250)
    address = f"/admin/quotas/policy/{policy.pk}/change/"

    rita.post(address, fields(seen=seen_in(rita.get(address).content.decode()), confirm="yes"))

    assert not AuditEvent.objects.exists()


def test_deleting_several_at_once_writes_a_row_for_each(cast: Cast, rita: Client) -> None:
    pks = [Policy.objects.create(name=name).pk for name in ("one", "two")]
    sent = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}

    rita.post("/admin/quotas/policy/", sent)

    assert not Policy.objects.exists()
    assert sorted(AuditEvent.objects.values_list("verb", "target_name")) == [
        ("policy.deleted", "one"), ("policy.deleted", "two"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["cores", "memory_mib", "vm_disk_gib", "lease_days"])
@pytest.mark.parametrize("typed", ["-1", "1.5", "8 cores", "8GiB", "99999999999999"])
def test_a_number_that_is_none_saves_nothing_and_says_why(cast: Cast, rita: Client, name: str, typed: str) -> None:
    page = rita.post("/admin/quotas/policy/add/", fields(**{name: typed}, confirm="yes"))

    text = page.content.decode()
    assert (page.status_code, Policy.objects.count()) == (200, 0)
    assert f'value="{typed}"' in text
    assert any(words in text for words in ("Write a whole number", "At most", "greater than or equal to 0"))


# --- allowances ---


@pytest.mark.parametrize("name", ["cores", "memory_mib", "disk_gib"])
@pytest.mark.parametrize("typed", ["0", "-1", "1.5", "8 cores", "8GiB", "99999999999999"])
def test_an_allowance_of_a_number_that_is_none_is_not_given(cast: Cast, rita: Client, name: str, typed: str) -> None:
    sent = {"pool": cast.alices.pk, "reason": "A thesis.", name: typed, "confirm": "yes"}
    page = rita.post("/admin/quotas/allowance/add/", sent)

    text = page.content.decode()
    assert (page.status_code, Allowance.objects.count()) == (200, 0)
    assert f'value="{typed}"' in text
    assert any(words in text for words in ("Write a whole number", "At most", "above zero", "greater than or equal"))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"cores": ""}, "Name at least one number."),
        ({"until": "2001-01-01"}, "This day is over."),
        ({"until": "31.12.2027 or so"}, "Write a date such as 2027-02-28."),
        ({"reason": ""}, "required"),
        ({"reason": "r" * 301}, "at most 300 characters"),
        ({"pool": "987654"}, "not one of the available choices"),
    ],
    ids=["no number", "past", "no date", "no reason", "long reason", "no pool"],
)
def test_what_is_wrong_with_an_allowance_stands_at_its_field(
    cast: Cast, rita: Client, wrong: dict[str, str], sentence: str
) -> None:
    sent = {"pool": cast.alices.pk, "cores": "9", "reason": "A thesis.", "confirm": "yes"} | wrong

    page = rita.post("/admin/quotas/allowance/add/", sent)

    name = next(iter(wrong))
    beside = page.context["adminform"].form.errors
    assert (page.status_code, Allowance.objects.count(), list(beside)) == (200, 0, [name])
    assert sentence in str(beside[name])
    assert not AuditEvent.objects.exists()
