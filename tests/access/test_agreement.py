"""The two ways to the same question agree for everybody: which machines a list holds, and which one page opens."""

import pytest
from django.http import Http404

from accounts.models import User
from tests.access.people import make_world
from vms.access import vm_for
from vms.models import Operation, VirtualMachine
from vms.states import Action


@pytest.mark.django_db
def test_lists_hold_what_pages_open() -> None:
    world = make_world()
    for name, user in world.people.items():
        if user is None:
            continue
        user.refresh_from_db()
        listed = set(VirtualMachine.objects.visible_to(user).values_list("pk", flat=True))
        told = set(Operation.objects.visible_to(user).values_list("vm_id", flat=True))

        opened = {pk for pk in world.vms.values() if opens(user, pk)}

        assert listed == opened, name
        assert told <= opened, name


def opens(user: User, pk: int) -> bool:
    """Whether the machine's page opens."""
    try:
        return vm_for(user, pk, Action.VIEW).pk == pk
    except Http404:
        return False
