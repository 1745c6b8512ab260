"""A console through a real Daphne to a machine of the stand-in."""

import asyncio

from consoles import close_codes
from tests.consoles.conftest import House
from tests.consoles.rfb.conversations import KEY_A, request
from tests.consoles.streams import eventually


def test_from_the_grant_to_a_key_in_the_guest_and_a_closed_visit(house: House) -> None:
    async def scenario() -> None:
        browser = await house.open()
        seen = await browser.start_console(request(incremental=0) + KEY_A)
        assert (browser.subprotocol, seen[:18]) == ("vmportal.v1", b"RFB 003.008\n\x01\x01\0\0\0\0")
        await browser.read_until(lambda payload: len(payload) > 640 * 400 * 4)
        await eventually(house.keys, lambda keys: keys == [0x61])
        browser.close()

        visit = await eventually(house.visit, lambda visit: visit and visit.closed_at)
        assert (visit.user_name, visit.vm_id, visit.end) == ("alice", house.vm.pk, close_codes.LEFT.word)
        assert visit.bytes_to_browser > 640 * 400 * 4
        assert visit.bytes_from_browser == 14 + len(request() + KEY_A)

    house.run(scenario())


def test_ten_at_one_machine_within_a_moment_all_get_its_screen(house: House) -> None:
    house.cluster.control("POST", "/windows", {"vnc_start_delay": 0.2})

    async def one(wait_s: float) -> bytes:
        await asyncio.sleep(wait_s)
        browser = await house.open()
        return await browser.start_console()

    async def scenario() -> list[bytes]:
        return await asyncio.gather(*(one(n * 0.1) for n in range(10)))

    assert [b"card (vm" in seen for seen in house.run(scenario())] == [True] * 10
    assert house.cluster.state("worker_deaths")["worker_deaths"] == 0
