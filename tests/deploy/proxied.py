"""Pages and consoles behind a real nginx with deploy/nginx.conf: one process of pages, two of consoles, and Redis.

The console processes have one port on two addresses of the loopback, and nginx asks a resolver for the name of both,
as it does in docker-compose.yml.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import psutil
from asgiref.sync import sync_to_async

from accounts.models import PoolMembership, User
from accounts.roles import Role
from consoles.models import ConsoleVisit
from tests.cast import person
from tests.children import free_port
from tests.consoles.browser import Browser, headers
from tests.consoles.crowd import FIRST_KEY, PER_RUN, Party, Typist, make_party, play
from tests.consoles.lines import APPLICATION
from tests.consoles.portal import Portal, cookie_of, serving
from tests.deploy.composed import nginx_places
from tests.deploy.names import Names
from tests.devcluster.cluster import DevCluster
from tests.servers import NginxServer, RedisServer

CONSOLES_AT = ("127.0.0.31", "127.0.0.32")
TOKEN = "t" * 32  # of a form: the cookie and the header have to be the same, and nothing else
MOST = 6
T = TypeVar("T")
Answer = tuple[int, str]  # status and text


@dataclass
class Proxied:
    """The processes. `origin` is nginx' address, the only one a browser knows."""

    cluster: DevCluster
    pages: Portal
    consoles: list[Portal]
    names: Names
    redis: RedisServer
    nginx: NginxServer
    #: What stands in no log: grants, and whatever a test adds.
    secrets: list[str] = field(default_factory=list)
    browsers: list[Browser] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.nginx.port}"

    def carried(self) -> list[int]:
        """Sockets that each console process has now."""
        return [_sockets(portal) for portal in self.consoles]

    def memory_of_nginx(self) -> int:
        """What nginx and its workers hold, in bytes."""
        assert self.nginx.process
        parent = psutil.Process(self.nginx.process.pid)
        return sum(int(one.memory_info().rss) for one in (parent, *parent.children()))

    def another(self, **changes: str) -> NginxServer:
        """One more nginx before the same processes; in its copy of the file `changes` stand for these lines."""
        return _nginx(free_port(), self.names, self.pages.port, self.consoles[0].port, changes)

    def asks(self, cookie: str, path: str, *, own: str = "", forged: str = "", port: int = 0, **fields: str) -> Answer:
        """A POST as a page's script or form sends it, from the address `own`. `port`: past nginx."""
        told = {"Origin": self.origin, "X-CSRFToken": TOKEN, "Cookie": f"sessionid={cookie}; csrftoken={TOKEN}"}
        told |= {"X-Forwarded-For": forged} if forged else {}
        told |= {"Content-Type": "application/x-www-form-urlencoded"}
        asked = HTTPConnection("127.0.0.1", port or self.nginx.port, timeout=60, source_address=(own, 0))
        with closing(asked):
            asked.request("POST", path, urlencode(fields), told)
            answer = asked.getresponse()
            return answer.status, answer.read().decode()

    async def grant(self, party: Party, **how: Any) -> str:
        """A grant, asked for as the console's page does."""
        path = f"/vms/{party.vm.pk}/console/grant"
        status, text = await sync_to_async(self.asks, thread_sensitive=False)(party.cookie, path, **how)
        assert status == 200, text
        grant: str = json.loads(text)["grant"]
        self.secrets.append(grant)
        return grant

    async def knock(self, party: Party, grant: str = "", *, own: str = "", by: int = 0, **how: Any) -> Browser:
        """The socket alone: accepted, no console yet. `by`: the port of another nginx."""
        known = headers(self.origin, party.cookie, grant or await self.grant(party, own=own, **how))
        browser = await Browser.open(by or self.nginx.port, f"/ws/console/{party.vm.pk}/", known, own=own)
        self.browsers.append(browser)
        return browser

    async def open(self, party: Party, into: Party | None = None, **how: Any) -> Typist:
        """One more console of this person; `into`: with whose consoles it is counted."""
        into = into or party
        browser = await self.knock(party, **how)
        typist = Typist(browser, FIRST_KEY + PER_RUN * len(into.typists))
        into.typists.append(typist)
        await browser.start_console(within_s=60)
        typist.reading = asyncio.ensure_future(typist.read_on())
        return typist

    async def spread(self, crew: Sequence[Party], least: int = 1) -> Party:
        """The crew opens consoles in turn until each process has at least so many new ones; the first has them all."""
        wanted = [count + least for count in self.carried()]
        for count, party in enumerate(cycle(crew)):
            if all(now >= want for now, want in zip(self.carried(), wanted, strict=True)):
                return crew[0]
            assert count < MOST * len(crew), "nginx does not spread consoles"
            await self.open(party, crew[0])
        raise AssertionError("nobody in the crew")

    def play(self, scenario: Coroutine[Any, Any, T], *parties: Party) -> T:
        """Runs it, and hangs up whatever it left open."""

        async def tidily() -> T:
            try:
                return await scenario
            finally:
                while self.browsers:
                    self.browsers.pop().close()
                await asyncio.sleep(0)

        return play(tidily(), *parties)

    def logs(self) -> dict[str, str]:
        """What nginx and the portal's processes wrote."""
        files = {name: self.nginx.folder / name for name in ("access.log", "error.log", "log")}
        files |= {f"{portal.host}:{portal.port}": portal.log for portal in (self.pages, *self.consoles)}
        return {name: file.read_text(encoding="utf-8") for name, file in files.items()}


def make_crew(cluster: DevCluster, name: str, count: int = 3) -> list[Party]:
    """So many operators of one pool, at its one machine. A person has six seats, and nginx draws by lot."""
    first = make_party(cluster, name)
    return [first, *(_joined(first, person(f"{name}-{n}")) for n in range(1, count))]


def _joined(party: Party, user: User) -> Party:
    PoolMembership.objects.create(pool=party.pool, user=user, role=Role.OPERATOR)
    return Party(user, party.pool, party.vm, cookie_of(user))


async def open_rows() -> int:
    """Consoles that the database has as open."""
    return await sync_to_async(ConsoleVisit.objects.filter(closed_at=None).count)()


@contextmanager
def proxied(cluster: DevCluster, folder: Path, **variables: object) -> Iterator[Proxied]:
    """Everything up; ended with the block. The portal's processes start side by side."""
    port, at, pages_at = free_port(), free_port(), free_port()
    with ExitStack() as stack:
        redis = stack.enter_context(RedisServer())
        names = stack.enter_context(Names({"web": ["127.0.0.1"], "consoles": CONSOLES_AT}))
        nginx = stack.enter_context(_nginx(port, names, pages_at, at, {}))
        known: dict[str, Any] = {
            "SITE_URL": f"http://127.0.0.1:{port}", "TRUSTED_PROXIES": 1, "CHANNEL_REDIS_URL": redis.url, **variables,
        }  # fmt: skip
        pages: dict[str, Any] = {"port": pages_at, "VMPORTAL_ROLE": "web", **known}
        ways = [serving(cluster, _new(folder / "pages"), **pages)]
        for host in CONSOLES_AT:
            carries: dict[str, Any] = {"port": at, "host": host, "VMPORTAL_ROLE": "consoles", **known}
            ways.append(serving(cluster, _new(folder / host), APPLICATION, ping_s=(1, 60), **carries))
        with ThreadPoolExecutor(len(ways)) as side_by_side:
            first, *others = side_by_side.map(stack.enter_context, ways)
        yield Proxied(cluster, first, others, names, redis, nginx)


def _nginx(port: int, names: Names, pages_at: int, consoles_at: int, changes: dict[str, str]) -> NginxServer:
    at = {"web": pages_at, "consoles": consoles_at}
    return NginxServer(nginx_places(port, at, resolver=names.port, changes=changes), port=port)


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _sockets(portal: Portal) -> int:
    """Connections from nginx that this process holds."""
    found = psutil.Process(portal.process.pid).net_connections("tcp")
    return sum(one.status == psutil.CONN_ESTABLISHED and one.laddr == (portal.host, portal.port) for one in found)
