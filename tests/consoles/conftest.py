"""A portal and a stand-in as children, shared by the tests of this folder; rows are each test's own."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from accounts.models import User
from consoles import grants
from consoles.models import ConsoleVisit
from tests.cast import Cast, make_cast
from tests.consoles.browser import Browser, headers
from tests.consoles.portal import Portal, cookie_of, running_guest, serving
from tests.devcluster.cluster import DevCluster
from vms.models import VirtualMachine

T = TypeVar("T")


@dataclass
class House:
    """Alice's running machine, her session, and the portal in front of both."""

    portal: Portal
    cluster: DevCluster
    cast: Cast
    vm: VirtualMachine
    cookie: str
    browsers: list[Browser] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/ws/console/{self.vm.pk}/"

    def grant(self, user: User | None = None, cookie: str = "") -> str:
        """Issued in this process, as the view would."""
        return grants.issue(user or self.cast.alice, cookie or self.cookie, self.vm, address="", now=timezone.now())

    async def new_grant(self) -> str:
        """The same, asked for in an event loop."""
        return await sync_to_async(self.grant)()

    async def open(self, grant: str = "") -> Browser:
        """A socket as the page opens it."""
        return await self.open_at(self.portal, grant)

    async def open_at(self, portal: Portal, grant: str = "") -> Browser:
        """The same at another portal."""
        grant = grant or await self.new_grant()
        browser = await Browser.open(portal.port, self.path, headers(portal.origin, self.cookie, grant))
        self.browsers.append(browser)
        return browser

    def run(self, scenario: Coroutine[Any, Any, T]) -> T:
        """Runs it, and hangs up whatever it left open."""

        async def tidily() -> T:
            try:
                return await scenario
            finally:
                for browser in self.browsers:
                    browser.close()
                await asyncio.sleep(0)

        return asyncio.run(tidily())

    def screen(self, **wanted: object) -> None:
        """Makes the machine's screen repaint without end, or the machine deaf."""
        self.cluster.control("POST", f"/guests/{self.vm.vmid}/screen", wanted)

    async def keys(self) -> list[int]:
        """Keys that reached the machine, pressed."""
        events = self.cluster.control("GET", f"/guests/{self.vm.vmid}/keys")
        return [event["keysym"] for event in events if event["kind"] == "key" and event["down"]]

    async def visit(self) -> Any:
        """The newest visit."""
        return await sync_to_async(ConsoleVisit.objects.first)()


@pytest.fixture(scope="session")
def portal(
    django_db_setup: None,
    django_db_blocker: object,
    running_devcluster: DevCluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Portal]:
    """One Daphne for all tests of this process."""
    with serving(running_devcluster, tmp_path_factory.mktemp("portal")) as running:
        yield running


@pytest.fixture
def house(transactional_db: None, portal: Portal, devcluster: DevCluster) -> House:
    """Everything of one test, from nothing."""
    cast = make_cast()
    vm = running_guest(devcluster, cast.alices)
    return House(portal, devcluster, cast, vm, cookie_of(cast.alice))
