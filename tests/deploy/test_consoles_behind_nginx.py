"""Consoles in their own processes, any number behind the proxy: through nginx itself, with deploy/nginx.conf."""

import asyncio
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, User
from consoles import close_codes, visits
from consoles.models import ConsoleVisit
from tests.cast import person
from tests.children import wait_until
from tests.consoles.browser import Browser
from tests.consoles.crowd import Cause, Party, arrived, make_party
from tests.consoles.rfb.conversations import KEY_A, request
from tests.consoles.streams import eventually, until
from tests.consoles.test_limits_live import with_machines
from tests.consoles.test_slow_reader import GROWTH_BYTES, PICTURE_BYTES, growth, keep_asking, watched
from tests.deploy.compose import ROOT, services
from tests.deploy.proxied import MOST, Proxied, make_crew, open_rows, proxied
from tests.deploy.test_compose_file import GIVEN
from tests.devcluster.cluster import DevCluster
from tests.figures import figure
from tests.sign_in import sign_in
from vms.form_keys import new_key

KNOCKS = 20
WITHIN_S = 2.0
REASON = "pve1 is taken down"
FORGED = "203.0.113.7"
HEARTBEAT_S, ORPHAN_S, SWEEP_S, PAUSED_S = 0.4, 2.5, 0.3, 2
SHORT: dict[str, Any] = {
    "CONSOLE_HEARTBEAT_S": HEARTBEAT_S, "CONSOLE_ORPHAN_S": ORPHAN_S, "CONSOLE_PAUSED_S": PAUSED_S,
    "CONSOLE_MAX_PER_PERSON": MOST,
}  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def running(
    django_db_setup: None, running_devcluster: DevCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    """One for all tests of this file; the last kills one of its processes."""
    with proxied(running_devcluster, tmp_path_factory.mktemp("proxied"), **SHORT) as house:
        yield house


@pytest.fixture
def house(transactional_db: None, running: Proxied, settings: Settings, devcluster: DevCluster) -> Proxied:
    """It runs, on a fresh database; and the sweep goes by the same window."""
    settings.CONSOLE_ORPHAN_S = ORPHAN_S
    return running


def cookie_of_rtp() -> str:
    """The session of an RTP who proved just now who they are."""
    return sign_in(Client(), person("rita", is_rtp=True)).session.session_key or ""


def test_consoles_land_on_every_process_and_pictures_and_keys_flow(house: Proxied) -> None:
    crew = make_crew(house.cluster, "alice")

    async def scenario() -> list[int]:
        first = await house.spread(crew, least=2)
        carried = house.carried()
        for typist in first.typists:
            typist.browser.payload.clear()
            typist.browser.send(request(incremental=0, width=640, height=400))
            typist.browser.send(KEY_A)
        await until(lambda: all(len(one.browser.payload) > PICTURE_BYTES for one in first.typists), within_s=15)
        await until(lambda: len(arrived(house.cluster, first.vm)) == len(first.typists))
        return carried

    carried = house.play(scenario(), *crew)

    figure("P-proxy", "consoles through nginx", sum(carried), "in the processes", *carried)
    assert sum(carried) == len(crew[0].typists)
    assert {typist.browser.subprotocol for typist in crew[0].typists} == {"vmportal.v1"}


def test_each_visit_has_its_own_address_whatever_the_client_claims(house: Proxied) -> None:
    addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.77"]
    party = make_party(house.cluster, "alice")

    async def scenario() -> None:
        for own in addresses:
            await house.open(party, own=own, forged=FORGED)

    house.play(scenario(), party)

    seen = AuditEvent.objects.filter(verb="console.opened").order_by("pk")
    assert [event.address for event in seen] == addresses
    assert list(ConsoleVisit.objects.order_by("pk").values_list("address", flat=True)) == addresses


def test_where_no_proxy_stands_before_a_process_that_trusts_one_the_claim_is_believed(house: Proxied) -> None:
    """The control: what TRUSTED_PROXIES says is not so, as for whoever reaches the pages past nginx."""
    party = make_party(house.cluster, "alice")

    house.play(house.open(party, own="127.0.0.2", forged=FORGED, port=house.pages.port), party)

    assert ConsoleVisit.objects.get().address == FORGED


def test_what_is_asked_at_the_pages_ends_consoles_of_every_process(house: Proxied) -> None:
    ended, locked = (make_crew(house.cluster, name) for name in ("ended", "locked"))
    rita, rtp = cookie_of_rtp(), User.objects.get(username="rita")

    async def scenario() -> list[int]:
        before = await house.spread(ended), await house.spread(locked)
        carried = house.carried()
        causes = (ends_each(house, rita), locks(house, rita))
        await asyncio.gather(*(party.lose(cause, rtp) for party, cause in zip(before, causes, strict=True)))
        return carried

    carried = house.play(scenario(), ended[0], locked[0])

    slowest_s = max(ended[0].slowest_s, locked[0].slowest_s)
    late = sum(one.late(arrived(house.cluster, crew[0].vm)) for crew in (ended, locked) for one in crew[0].typists)
    figure("P-proxy", "ended through nginx", sum(carried), "in the processes", *carried,
           "slowest_s", round(slowest_s, 2), "keys_after", late)  # fmt: skip
    assert {typist.code for typist in ended[0].typists} == {close_codes.BY_RTP.code}
    assert {typist.code for typist in locked[0].typists} == {close_codes.LOCKED.code}
    assert all({"ended": {"by": "rita", "reason": REASON}} in one.browser.notices for one in ended[0].typists)
    assert (late, slowest_s <= WITHIN_S) == (0, True)


def ends_each(house: Proxied, rita: str) -> Cause:
    """An RTP ends every console of the machine, by the page of each."""

    def act(party: Party, rtp: User) -> None:
        for pk in ConsoleVisit.objects.filter(vm=party.vm).values_list("pk", flat=True):
            assert house.asks(rita, f"/rtp/consoles/{pk}/end/", reason=REASON)[0] == 302

    return act


def locks(house: Proxied, rita: str) -> Cause:
    """An RTP locks the machine on its page."""

    def act(party: Party, rtp: User) -> None:
        assert house.asks(rita, f"/vms/{party.vm.pk}/lock/", reason="Mining.")[0] == 302

    return act


def test_of_twenty_sockets_of_one_person_at_both_processes_six_open(house: Proxied) -> None:
    parties = with_machines(house.cluster, make_party(house.cluster, "alice"), KNOCKS)

    async def scenario() -> tuple[list[int], Counter[int | None], int]:
        granted = await asyncio.gather(*map(house.grant, parties))
        waiting, browsers = list(zip(parties, granted, strict=True)), []
        while min(house.carried()) == 0:
            browsers.append(await house.knock(*waiting.pop()))
        browsers += await asyncio.gather(*(house.knock(*one) for one in waiting))
        carried, codes = house.carried(), Counter[int | None]()

        async def hear(browser: Browser) -> None:
            codes[await browser.read_to_end(60)] += 1

        hearing = [asyncio.ensure_future(hear(browser)) for browser in browsers]
        await until(lambda: codes.total() >= KNOCKS - MOST, within_s=20)
        rows, heard = await open_rows(), codes.copy()
        for browser in browsers:
            browser.close()
        await asyncio.gather(*hearing, return_exceptions=True)
        return carried, heard, rows

    carried, codes, rows = house.play(scenario(), *parties)

    figure("P-proxy", "sockets of one person", KNOCKS, "in the processes", *carried, "open", rows)
    assert min(carried) > 0
    assert (rows, codes) == (MOST, {close_codes.TOO_MANY.code: KNOCKS - MOST})


def test_a_browser_that_stops_reading_is_felt_through_nginx(house: Proxied) -> None:
    party = make_party(house.cluster, "alice")

    async def scenario() -> tuple[int, int, float]:
        browser = await house.knock(party)
        (carrying,) = [portal for portal, count in zip(house.consoles, house.carried(), strict=True) if count]
        await watched(browser)
        house.cluster.control("POST", f"/guests/{party.vm.vmid}/screen", {"mode": "firehose", "fps": 1000})
        before, began = house.memory_of_nginx(), time.monotonic()
        browser.stop_reading()
        asking = asyncio.ensure_future(keep_asking(browser))
        grown = await growth(carrying, PAUSED_S, asking)
        await eventually(visit_is_over, bool, within_s=20)
        took_s = time.monotonic() - began
        browser.close()
        return grown, house.memory_of_nginx() - before, took_s

    grown, by_nginx, took_s = house.play(scenario())

    figure("P-proxy", "stalled behind nginx", "grown_mb", round(grown / 1e6, 1), "nginx_mb", round(by_nginx / 1e6, 1),
           "ended_after_s", round(took_s, 1))  # fmt: skip
    assert ConsoleVisit.objects.get().end == close_codes.TOO_SLOW.word
    assert max(grown, by_nginx) <= GROWTH_BYTES


async def visit_is_over() -> bool:
    return await sync_to_async(ConsoleVisit.objects.exclude(closed_at=None).exists)()


def test_pings_keep_a_quiet_console_open_past_nginx_time_out(house: Proxied) -> None:
    """The control: a time-out that is over before the next ping."""
    party, outlasted, control = make_party(house.cluster, "alice"), 4.0, 1
    line = "proxy_read_timeout 3600s;"

    async def scenario(patient: int, hasty: int) -> tuple[int | None, float]:
        stays, cut = await house.open(party, by=patient), await house.open(party, by=hasty)
        began = time.monotonic()
        assert cut.reading
        assert stays.reading
        await cut.reading
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(stays.reading), began + outlasted + 0.5 - time.monotonic())
        return cut.code, cut.ended_at - began

    with (
        house.another(**{line: f"proxy_read_timeout {outlasted:g}s;"}) as patient,
        house.another(**{line: f"proxy_read_timeout {control}s;"}) as hasty,
    ):
        code, took_s = house.play(scenario(patient.port, hasty.port), party)

    figure("P-proxy", "quiet", "time-out_s", outlasted, "cut", 0, "control", "time-out_s", control, "cut_after_s",
           round(took_s, 1))  # fmt: skip
    assert (code, took_s < outlasted) == (None, True)


def test_the_files_pings_come_well_before_its_proxy_gives_up() -> None:
    command = services(GIVEN)["consoles"]["command"]
    conf = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")

    ping_s = int(command[command.index("--ping-interval") + 1])
    (read_s,) = re.findall(r"proxy_read_timeout (\d+)s;", conf.partition("location /ws/")[2])
    assert 2 * ping_s < int(read_s)


def test_nothing_secret_is_in_any_log(house: Proxied) -> None:
    """After all tests before, and of a link: grants, sessions, its reference."""
    party, bob = make_party(house.cluster, "alice"), make_party(house.cluster, "bob")
    path, key = f"/vms/{party.vm.pk}/console/share/", new_key(timezone.now())
    status, made = house.asks(party.cookie, path, may="look", minutes="15", key=key)
    assert status == 200, made
    reference = re.findall(r"/consoles/shared/([\w-]{43})/", made)[0]
    taken, _ = house.asks(bob.cookie, f"/consoles/shared/{reference}/")
    house.play(house.open(party), party)
    opened = f'"GET /ws/console/{party.vm.pk}/" 101'
    wait_until(lambda: opened in house.logs()["access.log"], what="the line of a console that ended")

    logs, secrets = house.logs(), [*house.secrets, party.cookie, bob.cookie, reference]
    figure("P-proxy", "secrets", len(secrets), "logs", len(logs), "found", 0)
    assert taken == 302
    assert '"POST /consoles/shared/[hidden]/" 302' in logs["access.log"]
    assert [(name, secret) for name, text in logs.items() for secret in secrets if secret in text] == []


def test_a_killed_process_costs_its_own_consoles_and_a_new_grant_opens_on_another(house: Proxied) -> None:
    crew = make_crew(house.cluster, "alice")
    dead = house.consoles[0]

    async def scenario() -> tuple[list[int], float, float]:
        first = await house.spread(crew, least=2)
        carried = house.carried()
        await asyncio.sleep(2 * HEARTBEAT_S)
        dead.process.send_signal(signal.SIGKILL)
        began = time.monotonic()
        await until(lambda: len(broken(first)) == carried[0])
        cut_s = time.monotonic() - began
        again = [await house.open(one) for one in crew for _ in range(2)]
        assert all(typist.code is None for typist in again)
        async with asyncio.timeout(20):
            while await open_rows() > carried[1] + len(again):
                await sync_to_async(visits.close_lost)(timezone.now())
                await asyncio.sleep(SWEEP_S)
        return carried, cut_s, time.monotonic() - began

    carried, cut_s, closed_s = house.play(scenario(), *crew)

    lost = AuditEvent.objects.filter(verb="console.closed", detail__end="lost").count()
    figure("P-proxy", "killed with consoles", carried[0], "cut_s", round(cut_s, 2), "new ones elsewhere", 6,
           "rows_closed_after_s", round(closed_s, 1))  # fmt: skip
    assert lost == carried[0]
    assert closed_s <= ORPHAN_S + SWEEP_S + WITHIN_S


def broken(party: Party) -> list[int]:
    """Which of the party's consoles ended, and how: a connection that breaks has no code."""
    return [0 if typist.code is None else typist.code for typist in party.typists if typist.ended_at]
