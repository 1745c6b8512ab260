"""A console through a real Daphne to a machine of the stand-in."""

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
