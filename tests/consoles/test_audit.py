"""The audit of consoles says what the sockets did: who, which machine, how, from where, how long, how much, why."""

import asyncio
import time
from dataclasses import dataclass

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from accounts.models import AuditEvent, PoolMembership
from accounts.roles import Role
from consoles import visits
from consoles.models import ConsoleVisit
from tests.consoles.crowd import Party, Typist, make_party, play
from tests.consoles.portal import Portal
from tests.consoles.rfb.conversations import BROWSER_HELLO, BROWSER_INIT, BROWSER_TYPE, KEY_A, request
from tests.devcluster.cluster import DevCluster
from tests.figures import figure, scaled

RUNS = scaled(3, 30)
HANDSHAKE = len(BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT)
REASON = "pve1 is taken down"


@dataclass
class Done:
    """One console as its socket knew it."""

    party: Party
    mode: str
    typist: Typist
    bytes_sent: int
    began: float
    lasted_s: float = 0.0


@pytest.fixture
def parties(transactional_db: None, devcluster: DevCluster) -> dict[str, Party]:
    found = {mode: make_party(devcluster, f"of-{mode}") for mode in ("control", "view")}
    PoolMembership.objects.filter(user=found["view"].user).update(role=Role.VIEWER)
    return found


async def one(portal: Portal, party: Party, mode: str, keys: int) -> Done:
    """Opens, asks for a picture, types, and is ended by somebody with a reason, so that every byte is counted."""
    sent = request(incremental=0) + keys * KEY_A
    done = Done(party, mode, await party.open(portal), HANDSHAKE + len(sent), time.monotonic())
    done.typist.browser.send(sent)
    await asyncio.sleep(0.3)
    visit = await sync_to_async(ConsoleVisit.objects.filter(vm=party.vm, closed_at=None).latest)("pk")
    await sync_to_async(visits.ask_to_end_with)(party.user, visit.pk, REASON, address="", now=timezone.now())
    assert done.typist.reading
    await done.typist.reading
    done.lasted_s = time.monotonic() - done.began
    return done


def test_the_rows_equal_what_the_sockets_did(portal: Portal, parties: dict[str, Party]) -> None:
    async def scenario() -> list[Done]:
        found = []
        for n in range(RUNS):
            found += await asyncio.gather(*(one(portal, party, mode, 7 * n) for mode, party in parties.items()))
        return found

    done = play(scenario(), *parties.values())
    wait_for_rows(len(done))

    for each in done:
        opened, closed = events_of(each)
        vm = each.party.vm
        for event in (opened, closed):
            assert (event.actor, event.target_id, event.machine_uuid) == (
                each.party.user, str(vm.pk), str(vm.smbios_uuid),
            )  # fmt: skip
            assert event.detail["mode"] == each.mode
        assert closed.detail["to_browser"] == len(each.typist.browser.payload)
        assert (closed.detail["end"], closed.detail["reason"]) == ("by_rtp", REASON)
        assert closed.detail["by"] == each.party.user.username
        assert abs(closed.detail["seconds"] - each.lasted_s) <= 2
    figure("audit", "consoles", len(done), "rows that differ", 0)


def events_of(done: Done) -> tuple[AuditEvent, AuditEvent]:
    """The two rows of the visit whose bytes this browser sent."""
    visits_of = AuditEvent.objects.filter(target_id=str(done.party.vm.pk))
    mine = visits_of.get(verb="console.closed", detail__from_browser=done.bytes_sent)
    return visits_of.get(verb="console.opened", detail__visit=mine.detail["visit"]), mine


def wait_for_rows(count: int) -> None:
    deadline = time.monotonic() + 10
    while AuditEvent.objects.filter(verb="console.closed").count() < count and time.monotonic() < deadline:
        time.sleep(0.02)
    assert AuditEvent.objects.filter(verb="console.closed").count() == count
