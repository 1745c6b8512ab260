"""The people, machines and grants behind the consoles that are measured; rows of the test's own database."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection
from django.utils import timezone

from accounts.models import User
from consoles import grants
from tests.cast import personal_pool
from tests.consoles.browser import headers
from tests.consoles.portal import cookie_of
from tests.factories import make_vm
from vms.models import VirtualMachine
from vms.states import Power

#: As many consoles as a house allows a person.
MACHINES_EACH = 6


@dataclass
class House:
    """People with machines that run on the far end; each console goes to a machine of its own."""

    each: int = MACHINES_EACH
    places: list[tuple[User, str, VirtualMachine]] = field(default_factory=list)
    variables: dict[str, object] = field(default_factory=dict)
    _next: int = 0

    def furnish(self, consoles: int) -> None:
        """Room for so many consoles at once."""
        while len(self.places) < consoles:
            n = len(self.places) // self.each
            user = User.objects.create_user(f"member{n:03}", f"member{n:03}@example.org", "a-password-of-nobody")
            pool, cookie = personal_pool(user), cookie_of(user)
            for k in range(self.each):
                vmid = 10_000 + n * self.each + k
                known = {"vmid": vmid, "node": f"pve{vmid % 15 + 1}", "smbios_uuid": uuid.UUID(int=vmid)}
                self.places.append((user, cookie, make_vm(pool, f"vm-{vmid}", power=Power.RUNNING, **known)))

    def tickets(self, count: int, origin: str) -> list[tuple[str, list[list[str]]]]:
        """Path and headers of so many new sockets, each with a grant as the page's POST gives it."""
        self.furnish(count)
        return [self._ticket(place, origin) for place in self._turn(count)]

    def _turn(self, count: int) -> Iterator[tuple[User, str, VirtualMachine]]:
        for _ in range(count):
            yield self.places[self._next % len(self.places)]
            self._next += 1

    def _ticket(self, place: tuple[User, str, VirtualMachine], origin: str) -> tuple[str, list[list[str]]]:
        user, cookie, vm = place
        token = grants.issue(user, cookie, vm, address="", now=timezone.now())
        return f"/ws/console/{vm.pk}/", [list(pair) for pair in headers(origin, cookie, token)]


def hang_up() -> None:
    """Gives the database back before its rows are taken away."""
    connection.close()
