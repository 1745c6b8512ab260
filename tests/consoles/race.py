"""Many consoles open at the same moment: of one person, or at one node. Run by itself it may use another database than
the tests': `python -m tests.consoles.race 20 person`. Prints [{"open": 6, "refused": 14, "errors": []}, ...]: as
built, then the control.
"""

import json
import sys
import threading
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.db import connections
from django.utils import timezone

from accounts.models import User
from consoles import seats, visits
from consoles.authority import Authority, ref_of
from tests.cast import person, personal_pool
from tests.factories import make_node, make_vm
from vms.models import VirtualMachine

WAIT_S = 60


class Race:
    """One thread a machine. `control`: the seats are counted before, as a page could, and not when the row is made.

    `of`: "person" (all are one's), "node" (each is another's), or "unknown": such a node without a row of the mirror.
    """

    def __init__(self, clients: int, *, of: str, control: bool) -> None:
        node = f"{of}-{'control' if control else 'built'}"
        if of != "unknown":
            make_node(node)
        users = [person(f"{node}-{n}") for n in range(1 if of == "person" else clients)]
        pools = [personal_pool(user) for user in users]
        self.openers = [
            (users[n % len(users)], make_vm(pools[n % len(users)], f"m-{n}", node=node)) for n in range(clients)
        ]
        self.control = control
        self.start, self.counted = threading.Barrier(clients), threading.Barrier(clients)
        self.met: list[str] = []

    def run(self) -> dict[str, Any]:
        """All at once, to the end."""
        threads = [threading.Thread(target=self._client, args=opener) for opener in self.openers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)
        odd = [word for word in self.met if word not in {"open", "refused"}]
        return {"open": self.met.count("open"), "refused": self.met.count("refused"), "errors": odd}

    def _client(self, user: User, vm: VirtualMachine) -> None:
        try:
            self.start.wait(WAIT_S)
            self.met.append(self._open(user, vm))
        except Exception as error:
            self.met.append(repr(error))
        finally:
            connections.close_all()

    def _open(self, user: User, vm: VirtualMachine) -> str:
        assert vm.smbios_uuid
        who = (user.pk, user.username)
        settled = Authority(*who, "session", vm.pk, vm.smbios_uuid, "192.0.2.7", ref_of(vm))
        if self.control:
            full = seats.shortage(user, vm, timezone.now())
            self.counted.wait(WAIT_S)
            if full:
                return "refused"
        try:
            visits.open_visit(settled, timezone.now())
        except seats.Full:
            return "refused"
        return "open"


def race(clients: int, *, of: str = "person", control: bool = False) -> dict[str, Any]:
    """One race. The control leaves out what `seats.take` does."""
    take = seats.take
    if control:
        seats.take = lambda user, vm, now: None
    try:
        return Race(clients, of=of, control=control).run()
    finally:
        seats.take = take


if __name__ == "__main__":
    asked, what = int(sys.argv[1]), sys.argv[2]
    sys.stdout.write(json.dumps([race(asked, of=what, control=control) for control in (False, True)]))
