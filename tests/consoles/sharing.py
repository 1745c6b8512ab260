"""A link to a console, with whoever made it and its guest."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from consoles import shares
from consoles.authority import settle
from consoles.models import ConsoleShare
from tests.cast import Cast
from tests.factories import make_reading, make_vm
from tests.sign_in import sign_in
from vms.models import VirtualMachine
from vms.states import Power


@dataclass
class Shared:
    """Carol operates the machine of a shared pool and shares its console; bob is her guest."""

    cast: Cast
    vm: VirtualMachine
    bob: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        sign_in(self.bob, self.cast.bob)

    def make(self, **wanted: Any) -> str:
        """A reference of carol's."""
        known: dict[str, Any] = {"guest": "", "minutes": 15, "now": timezone.now()}
        return shares.make(self.cast.carol, self.vm, **(known | wanted))

    def take(self, ref: str) -> ConsoleShare:
        """Bob presses the button."""
        self.bob.post(f"/consoles/shared/{ref}/")
        return ConsoleShare.objects.get(guest=self.cast.bob)

    def uses(self, client: Client, ref: str, token: str) -> dict[str, bool]:
        """Each way to use it, and whether it opened. `token`: a grant that bob's session got before."""
        share, key = ConsoleShare.objects.get(), client.session.session_key or ""
        settled = settle(key, token, self.vm.pk, timezone.now()) if token else None
        answers = {
            "grant": client.post(f"/consoles/guest/{share.pk}/grant"),
            "page": client.get(f"/consoles/guest/{share.pk}/"),
            "look": client.get(f"/consoles/shared/{ref}/"),
            "take": client.post(f"/consoles/shared/{ref}/"),
        }
        return {"socket": settled is not None} | {way: one.status_code < 400 for way, one in answers.items()}


@pytest.fixture
def shared(cast: Cast) -> Shared:
    """On a cluster read just now."""
    make_reading()
    return Shared(cast, make_vm(cast.shared, "ctf-box", power=Power.RUNNING))


def change(model: Any, pk: object, **columns: object) -> None:
    """Behind everybody's back."""
    model.objects.filter(pk=pk).update(**columns)
