"""Policies in the admin: impact first, and the second of two editors sees both versions."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent
from quotas.models import Policy
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


def test_a_save_shows_its_impact_and_saves_only_when_confirmed(cast: Cast, rita: Client) -> None:
    make_vm(cast.alices, "db", cores=4, power=Power.RUNNING)
    page = rita.post("/admin/quotas/policy/add/", fields(cores="2")).content.decode()
    assert "1 of them falls" in page
    assert "4 cores in use" in page
    assert not Policy.objects.exists()

    rita.post("/admin/quotas/policy/add/", fields(cores="2", confirm="yes"))

    assert Policy.objects.get().cores == 2
    assert AuditEvent.objects.filter(verb="policy.saved").exists()


def test_the_second_of_two_editors_sees_both_versions(cast: Cast, rita: Client) -> None:
    policy = Policy.objects.create(name="default", is_default=True, cores=8)
    address = f"/admin/quotas/policy/{policy.pk}/change/"
    rita.post(address, fields(cores="12", seen_version="1", confirm="yes"))

    page = rita.post(address, fields(cores="4", seen_version="1", confirm="yes")).content.decode()

    assert "Somebody saved this policy" in page
    assert "Saved meanwhile: 12." in page
    policy.refresh_from_db()
    assert (policy.cores, policy.version) == (12, 2)


@pytest.mark.parametrize("typed", ["-1", "1.5", "8 cores", "99999999999999"])
def test_a_number_that_is_none_saves_nothing(cast: Cast, rita: Client, typed: str) -> None:
    page = rita.post("/admin/quotas/policy/add/", fields(cores=typed, confirm="yes"))

    assert (page.status_code, Policy.objects.count()) == (200, 0)
    assert f'value="{typed}"' in page.content.decode()
