"""The limits of a house, on real sockets: seats raced by twenty, idleness with its warning, hours."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from accounts.models import PoolMembership
from accounts.roles import Role
from consoles import close_codes
from consoles.models import ConsoleVisit
from tests.consoles.browser import Browser, headers
from tests.consoles.crowd import Party, Typist, make_party, play
from tests.consoles.portal import Portal, running_guest, serving
from tests.consoles.rfb.conversations import KEY_A
from tests.consoles.streams import eventually, until
from tests.devcluster.cluster import DevCluster
from tests.factories import make_node
from tests.figures import figure

CLIENTS, SIX, NODE = 20, 6, 8
IDLE_S, WARN_S, MAX_S = 3.0, 1.5, 9.0


@pytest.fixture(scope="module")
def limited(
    django_db_setup: None, running_devcluster: DevCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Portal]:
    """A portal whose limits are a house's, with short clocks."""
    limits: dict[str, Any] = {"CONSOLE_MAX_PER_PERSON": SIX, "CONSOLE_MAX_PER_NODE": NODE, "CONSOLE_MAX_SAME_VM": 1}
    clocks: dict[str, Any] = {"CONSOLE_IDLE_S": IDLE_S, "CONSOLE_WARN_S": WARN_S, "CONSOLE_MAX_S": MAX_S}
    with serving(running_devcluster, tmp_path_factory.mktemp("limited"), **limits, **clocks) as portal:
        yield portal


async def knock(portal: Portal, party: Party) -> Browser:
    """The socket alone: accepted, no console yet."""
    grant = await sync_to_async(party.grant)()
    known = headers(portal.origin, party.cookie, grant)
    return await Browser.open(portal.port, f"/ws/console/{party.vm.pk}/", known)


async def refused(portal: Portal, parties: list[Party], most: int) -> tuple[Counter[int | None], int]:
    """All open in one moment: how those ended that got no seat, and how many rows there ever were."""
    browsers = await asyncio.gather(*(knock(portal, party) for party in parties))
    codes: Counter[int | None] = Counter()

    async def hear(browser: Browser) -> None:
        codes[await browser.read_to_end()] += 1

    hearing = [asyncio.ensure_future(hear(browser)) for browser in browsers]
    await until(lambda: codes.total() >= CLIENTS - most)
    rows = await sync_to_async(ConsoleVisit.objects.count)()
    for browser in browsers:
        browser.close()
    heard = codes.copy()
    await asyncio.gather(*hearing, return_exceptions=True)
    await asyncio.sleep(0)
    return heard, rows


def with_machines(cluster: DevCluster, party: Party, count: int) -> list[Party]:
    """The same person at so many machines of the same pool, to look at: so that none becomes idle."""
    PoolMembership.objects.filter(user=party.user).update(role=Role.VIEWER)
    more = [running_guest(cluster, party.pool) for _ in range(count - 1)]
    return [party, *(Party(party.user, party.pool, vm, party.cookie) for vm in more)]


def test_of_twenty_sockets_of_one_person_six_open(
    limited: Portal, transactional_db: None, devcluster: DevCluster
) -> None:
    parties = with_machines(devcluster, make_party(devcluster, "alice"), CLIENTS)
    make_node(parties[0].vm.node)

    codes, rows = asyncio.run(refused(limited, parties, SIX))

    figure("seats", "sockets of one person", CLIENTS, "open", rows)
    assert (rows, codes) == (SIX, {close_codes.TOO_MANY.code: CLIENTS - SIX})


def test_of_twenty_sockets_at_one_node_eight_open(
    limited: Portal, transactional_db: None, devcluster: DevCluster
) -> None:
    parties = [
        one for n in range(4) for one in with_machines(devcluster, make_party(devcluster, f"p{n}"), CLIENTS // 4)
    ]
    assert len({party.vm.node for party in parties}) == 1
    make_node(parties[0].vm.node)

    codes, rows = asyncio.run(refused(limited, parties, NODE))

    figure("seats", "sockets at one node", CLIENTS, "open", rows)
    assert (rows, codes) == (NODE, {close_codes.NODE_FULL.code: CLIENTS - NODE})


def test_one_more_at_the_same_machine_ends_the_one_before(
    limited: Portal, transactional_db: None, devcluster: DevCluster
) -> None:
    party = make_party(devcluster, "alice")

    async def scenario() -> tuple[int | None, float]:
        older = await party.open(limited)
        newer = await party.open(limited)
        began = time.monotonic()
        assert older.reading
        await older.reading
        took_s = time.monotonic() - began
        assert newer.code is None
        return older.code, took_s

    code, took_s = play(scenario(), party)

    assert (code, took_s <= 2) == (close_codes.ELSEWHERE.code, True)


@pytest.mark.timeout(120)
def test_idleness_is_warned_of_stay_and_keys_put_it_off_and_hours_end_all(
    limited: Portal, transactional_db: None, devcluster: DevCluster
) -> None:
    idle, stays, types, looks = (make_party(devcluster, name) for name in ("idle", "stays", "types", "looks"))
    PoolMembership.objects.filter(user=looks.user).update(role=Role.VIEWER)

    async def stay(typist: Typist) -> None:
        await eventually(told(typist), lambda notices: {"warn"} in [set(each) for each in notices])
        typist.browser.send(b"stay", 0x81)
        await eventually(told(typist), lambda notices: {"warn": None} in notices)

    async def type_keys(typist: Typist) -> None:
        while not typist.browser.is_gone and typist.code is None:
            typist.browser.send(KEY_A)
            await asyncio.sleep(IDLE_S / 4)

    async def scenario() -> dict[str, tuple[int | None, float]]:
        ended = {}
        typists = {party.user.username: await party.open(limited) for party in (idle, stays, types, looks)}
        began = time.monotonic()
        typing = asyncio.ensure_future(type_keys(typists["types"]))
        await stay(typists["stays"])
        for name, typist in typists.items():
            assert typist.reading
            await typist.reading
            ended[name] = (typist.code, typist.ended_at - began)
        typing.cancel()
        assert [each["warn"]["end"] for each in typists["idle"].browser.notices if each.get("warn")] == ["idle"]
        assert [each["warn"]["end"] for each in typists["looks"].browser.notices if each.get("warn")] == ["time_limit"]
        return ended

    ended = play(scenario(), idle, stays, types, looks)

    figure("clocks", *(f"{name} {round(seconds, 1)}" for name, (_, seconds) in ended.items()))
    codes = {name: code for name, (code, _) in ended.items()}
    assert codes == {"idle": close_codes.IDLE.code, "stays": close_codes.IDLE.code,
                     "types": close_codes.TIME_LIMIT.code, "looks": close_codes.TIME_LIMIT.code}  # fmt: skip
    assert ended["idle"][1] < ended["stays"][1] < ended["looks"][1] + 1


def told(typist: Typist) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """What the page was told so far."""

    async def notices() -> list[dict[str, Any]]:
        return typist.browser.notices

    return notices
