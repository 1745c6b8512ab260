"""Somebody with a page, a part of a page and a console open, and what can happen to them."""

import asyncio
import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass

from allauth.usersessions.models import UserSession
from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.directory.departing import depart
from accounts.locks import lock_person
from accounts.models import Pool, PoolMembership, User
from accounts.oidc import sessions as house_sessions
from accounts.oidc.backend import NAME as HOUSE_BACKEND
from accounts.oidc.callback import CONFIRMED, EXPIRATION
from accounts.pools import remove_member
from accounts.roles import AccountKind, PoolKind, Role
from consoles import grants
from tests.accounts.local.house import NEW_PASSWORD, app_code, come_in, prove
from tests.cast import PASSWORD, person, personal_pool
from tests.consoles.browser import Browser, headers
from tests.consoles.portal import Portal, running_guest
from tests.devcluster.cluster import DevCluster
from tests.sign_in import sign_in
from vms.models import VirtualMachine

WITHIN_S = 2.0
ISSUER = "http://127.0.0.1:9"
SESSIONS, CHANGE, APP = "/accounts/sessions/", "/accounts/password/change/", "/accounts/2fa/totp/activate/"
CHANNELS = ("page", "htmx", "console")


@dataclass
class Visitor:
    """`here` loses what it has; `elsewhere` is another browser of the same person, where they act."""

    user: User
    rita: User
    vm: VirtualMachine
    here: Client
    elsewhere: Client
    console: Browser | None = None

    @property
    def key(self) -> str:
        """Of the session that is to die."""
        return str(self.here.session.session_key)

    def statuses(self, portal: Portal) -> dict[str, int]:
        """What the machine's page and its live part answer now."""
        return {"page": self._get(portal, {}), "htmx": self._get(portal, {"HX-Request": "true"})}

    async def open_console(self, portal: Portal) -> None:
        """A real socket, with the screen on it."""
        token = await sync_to_async(grants.issue)(self.user, self.key, self.vm, address="", now=timezone.now())
        head = headers(portal.origin, self.key, token)
        self.console = await Browser.open(portal.port, f"/ws/console/{self.vm.pk}/", head)
        await self.console.start_console()

    async def survivors(self, portal: Portal, since: float) -> list[str]:
        """Which channels still hold: pages at their next request, the console when the time is over."""
        assert self.console
        alive = [
            channel for channel, status in (await asyncio.to_thread(self.statuses, portal)).items() if status == 200
        ]
        try:
            await self.console.read_to_end(max(0.01, since + WITHIN_S - time.monotonic()))
        except TimeoutError:
            alive.append("console")
        return alive

    def _get(self, portal: Portal, more: dict[str, str]) -> int:
        line = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=10)
        try:
            line.request("GET", f"/vms/{self.vm.pk}/", headers={"Cookie": f"sessionid={self.key}", **more})
            return line.getresponse().status
        finally:
            line.close()


@dataclass(frozen=True)
class Event:
    """What happens, and how somebody comes to whom it can. `spares`: the other browser stays signed in."""

    happen: Callable[[Visitor], object]
    arrive: Callable[[str, User, DevCluster], Visitor]
    spares: bool = False


def member(name: str, rita: User, cluster: DevCluster) -> Visitor:
    """At the own machine, in two browsers."""
    user = person(name)
    return Visitor(user, rita, running_guest(cluster, personal_pool(user)), come_in(name), come_in(name))


def operator(name: str, rita: User, cluster: DevCluster) -> Visitor:
    """At a shared pool's machine."""
    user = person(name)
    pool = Pool.objects.create(kind=PoolKind.SHARED, name=f"of-{name}", proxmox_poolid=f"of-{name}")
    PoolMembership.objects.create(pool=pool, user=user, role=Role.OPERATOR)
    return Visitor(user, rita, running_guest(cluster, pool), come_in(name), Client())


def rtp(name: str, rita: User, cluster: DevCluster) -> Visitor:
    """At somebody else's machine, by RTP power."""
    user = person(name, is_rtp=True)
    return Visitor(user, rita, running_guest(cluster, personal_pool(person(f"{name}-host"))), sign_in(Client(), user),
                   Client())  # fmt: skip


def by_the_house(name: str, rita: User, cluster: DevCluster) -> Visitor:
    """At the own machine, signed in at the provider."""
    user = User.objects.create_user(name, kind=AccountKind.HOUSE, oidc_iss=ISSUER, oidc_sub=name)
    here = Client()
    here.force_login(user, backend=HOUSE_BACKEND)
    session = here.session
    session[CONFIRMED], session[EXPIRATION] = time.time(), time.time() + 900
    session.save()
    house_sessions.remember(user, sid=f"sid-{name}", session_key=str(session.session_key))
    return Visitor(user, rita, running_guest(cluster, personal_pool(user)), here, Client())


def end_that_one(visitor: Visitor) -> None:
    row = UserSession.objects.get(session_key=visitor.key)
    visitor.elsewhere.post(f"{SESSIONS}{row.pk}/end/")


def lose_role(visitor: Visitor) -> None:
    assert visitor.vm.pool
    assert remove_member(visitor.vm.pool, visitor.user, by=visitor.rita)


def leave_the_house(visitor: Visitor) -> None:
    with transaction.atomic():
        depart(visitor.user.pk, timezone.now())


def change_password(visitor: Visitor) -> None:
    new = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    visitor.elsewhere.post(CHANGE, {"oldpassword": PASSWORD, **new})


def add_factor(visitor: Visitor) -> None:
    prove(visitor.elsewhere)
    visitor.elsewhere.get(APP)
    visitor.elsewhere.post(APP, {"code": app_code(str(visitor.elsewhere.session["mfa.totp.secret"]))})


def end_at_provider(visitor: Visitor) -> None:
    with transaction.atomic():
        assert house_sessions.end_by_provider(ISSUER, subject=visitor.user.oidc_sub, sid=f"sid-{visitor.user}") == 1


EVENTS: dict[str, Event] = {
    "everywhere": Event(lambda v: v.elsewhere.post(SESSIONS), member, spares=True),
    "that-one": Event(end_that_one, member, spares=True),
    "left": Event(leave_the_house, member),
    "locked": Event(lambda v: lock_person(v.user.pk, by=v.rita, reason="Mining.", address=""), member),
    "role": Event(lose_role, operator),
    "rtp": Event(lambda v: User.objects.filter(pk=v.user.pk).update(is_rtp=False, is_staff=False), rtp),
    "password": Event(change_password, member, spares=True),
    "factor": Event(add_factor, member, spares=True),
    "provider": Event(end_at_provider, by_the_house),
}


async def round_of(portal: Portal, cluster: DevCluster, rita: User, number: int) -> dict[str, list[str]]:
    """All events once, each to somebody of their own; which channels survived which."""

    def arrive() -> dict[str, Visitor]:
        cache.clear()  # what counts sign-ins from one address
        try:
            return {name: event.arrive(f"{name}-{number}", rita, cluster) for name, event in EVENTS.items()}
        finally:
            cluster.close()  # this thread's line to it

    visitors = await sync_to_async(arrive)()
    for name, visitor in visitors.items():
        await visitor.open_console(portal)
        assert await asyncio.to_thread(visitor.statuses, portal) == {"page": 200, "htmx": 200}, name
    try:
        ends = {name: await _happens(portal, name, visitor) for name, visitor in visitors.items()}
        alive = {name: await end for name, end in ends.items()}
    finally:
        for visitor in visitors.values():
            assert visitor.console
            visitor.console.close()
    stay = {name: visitor for name, visitor in visitors.items() if EVENTS[name].spares}
    for name, visitor in stay.items():
        assert (await sync_to_async(visitor.elsewhere.get)("/")).status_code == 200, name
    return alive


async def _happens(portal: Portal, name: str, visitor: Visitor) -> asyncio.Task[list[str]]:
    await sync_to_async(EVENTS[name].happen)(visitor)
    return asyncio.ensure_future(visitor.survivors(portal, time.monotonic()))
