"""The count that ends every test here: it sees what it is for."""

import pytest
from django.utils import timezone

from quotas.footprint import Footprint
from tests.vms.operations.workshop import Workshop
from vms.models import VirtualMachine
from vms.operations import requests
from vms.states import OperationKind


@pytest.mark.differs_from_cluster("that is what is tried")
@pytest.mark.parametrize("drifted", [{"cores": 3}, {"disk_gib": 5}, {"last_known_power": "running"}])
def test_a_row_that_drifted_is_found(shop: Workshop, drifted: dict[str, object]) -> None:
    shop.machine()
    assert shop.audit() == []
    VirtualMachine.objects.update(**drifted)
    assert len(shop.audit()) == 1


@pytest.mark.differs_from_cluster("that is what is tried")
def test_room_that_nobody_needs_any_more_is_found(shop: Workshop) -> None:
    requests.reserve(shop.cast.alices, Footprint(cores=1), "nobody")
    assert shop.audit() == ["1 reservations hold room for no operation"]


def test_what_a_dead_worker_left_is_brought_to_its_end_first(shop: Workshop) -> None:
    op = shop.ask(shop.machine(), OperationKind.START)
    type(op).objects.filter(pk=op.pk).update(state="claimed", lease_until=timezone.now())

    assert (shop.audit(), VirtualMachine.objects.get().power) == ([], "running")
