"""The test clone of a template: an ordinary creation, in the RTP's own pool, with one audit row."""

import pytest
from django.test import Client

from accounts.models import AuditEvent
from tests.cast import personal_pool
from tests.sign_in import sign_in
from tests.vms.operations.workshop import Workshop
from vms.models import Operation
from vms.states import OperationState


@pytest.fixture
def rita(shop: Workshop, client: Client) -> Client:
    """Her browser; her own pool is there."""
    personal_pool(shop.cast.rita)
    shop.cluster.control("POST", "/pools", {"poolid": "rita"})
    return sign_in(client, shop.cast.rita)


def press(shop: Workshop, rita: Client) -> str:
    """The action of the list of templates."""
    sent = {"action": "test_clone", "_selected_action": [shop.template.pk]}
    return rita.post("/admin/vms/template/", sent, follow=True).content.decode()


def test_it_asks_the_ordinary_creation_and_leads_to_it(shop: Workshop, rita: Client) -> None:
    page = press(shop, rita)

    op = Operation.objects.select_related("vm").get()
    assert (op.vm.name, op.pool.owner) == ("test-debian-12-1", shop.cast.rita)
    assert f"/vms/{op.vm_id}/operations/{op.pk}/" in page
    assert list(AuditEvent.objects.values_list("verb", flat=True)) == ["vm.create"]
    assert shop.work(op).state == OperationState.SUCCEEDED


def test_a_second_press_waits_for_the_first_and_the_next_has_the_next_number(shop: Workshop, rita: Client) -> None:
    press(shop, rita)
    assert "is being made already" in press(shop, rita)

    shop.work_all()
    press(shop, rita)

    assert set(Operation.objects.values_list("vm__name", flat=True)) == {"test-debian-12-1", "test-debian-12-2"}
