"""A process that is told to go lets each of its consoles say so first, whatever else is connected to it."""

import asyncio
from pathlib import Path

import pytest
from django.db import connection

from consoles import close_codes
from consoles.models import ConsoleVisit
from tests.consoles.crowd import Party, make_party, play
from tests.consoles.lines import APPLICATION
from tests.consoles.portal import Portal, serving
from tests.devcluster.cluster import DevCluster
from tests.figures import figure

pytestmark = pytest.mark.django_db(transaction=True)
CONSOLES = 10
#: What never becomes a request; and a console's own is no older than a second at the moment of the end.
HALF_A_REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n"


async def stopped(portal: Portal, party: Party) -> list[int | None]:
    """How its consoles end when the process is told to go, and has gone."""
    _, half = await asyncio.open_connection(portal.host, portal.port)
    half.write(HALF_A_REQUEST)
    typists = [await party.open(portal) for _ in range(CONSOLES)]
    portal.process.terminate()
    await asyncio.to_thread(portal.process.wait, 20)
    async with asyncio.timeout(20):
        await asyncio.gather(*(typist.reading for typist in typists if typist.reading))
    half.close()
    return [typist.code for typist in typists]


def last_words(program: str, cluster: DevCluster, folder: Path) -> tuple[int, int]:
    """How many browsers heard why, and how many rows say so."""
    party = make_party(cluster, "alice")
    with serving(cluster, folder, APPLICATION, program=program, VMPORTAL_ROLE="consoles") as portal:
        codes = play(stopped(portal, party), party)
    connection.close()
    return codes.count(close_codes.RESTARTING.code), ConsoleVisit.objects.filter(end="restarting").count()


def test_every_console_hears_of_it_and_its_row_is_closed(devcluster: DevCluster, tmp_path: Path) -> None:
    heard, closed = last_words("vmportal.server", devcluster, tmp_path)

    figure("P-restart", "consoles", CONSOLES, "told", heard, "rows closed", closed)
    assert (heard, closed) == (CONSOLES, CONSOLES)


def test_daphnes_own_way_out_leaves_them_without_a_word(devcluster: DevCluster, tmp_path: Path) -> None:
    heard, closed = last_words("daphne", devcluster, tmp_path)

    figure("P-restart", "control", "consoles", CONSOLES, "told", heard, "rows closed", closed)
    assert closed < CONSOLES
