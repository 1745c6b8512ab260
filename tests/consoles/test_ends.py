"""Each way a console can end has its close code, through a real Daphne and against the stand-in's faults."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consoles import close_codes
from consoles.close_codes import ENDS, End
from consoles.models import ConsoleVisit
from consoles.tasks import close_abandoned
from tests.cast import make_cast
from tests.consoles.browser import Browser, Refused, headers
from tests.consoles.conftest import House
from tests.consoles.rfb.conversations import KEY_A, request
from tests.factories import make_node, make_vm
from vms.models import VirtualMachine

Fault = Callable[[House], AbstractContextManager[Any]]


def _stopped(house: House) -> AbstractContextManager[Any]:
    house.cluster.change(house.vm.vmid or 0, status="stopped")
    return nullcontext()


def _replaced(house: House) -> AbstractContextManager[Any]:
    house.cluster.change(house.vm.vmid or 0, recreate=True)
    return nullcontext()


def _destroyed(house: House) -> AbstractContextManager[Any]:
    house.cluster.destroy(house.vm.vmid or 0)
    return nullcontext()


def _moving(house: House) -> AbstractContextManager[Any]:
    VirtualMachine.objects.update(lock="migrate")
    house.cluster.change(house.vm.vmid or 0, node="pve2")
    return nullcontext()


def _silent(house: House) -> AbstractContextManager[Any]:
    make_node(house.vm.node, is_online=False)
    fault: AbstractContextManager[Any] = house.cluster.fault("node_down", node=house.vm.node)
    return fault


BEFORE_IT_OPENS: dict[str, tuple[Fault, set[End]]] = {
    "stopped, though we think it runs": (_stopped, {close_codes.STOPPED}),
    "another machine in its slot": (_replaced, {close_codes.GONE, close_codes.REFUSED}),
    "destroyed": (_destroyed, {close_codes.GONE, close_codes.REFUSED}),
    "node down": (lambda h: h.cluster.fault("node_down", node=h.vm.node), {close_codes.UNREACHABLE}),
    "node down, as we know": (_silent, {close_codes.NODE_DOWN}),
    "moved to another node": (_moving, {close_codes.MOVING}),
    "vncproxy refused": (
        lambda h: h.cluster.fault("error500", sentence="no", match={"method": "POST"}), {close_codes.REFUSED}),
    "answer to vncproxy lost": (
        lambda h: h.cluster.fault("lose_after", match={"method": "POST"}), {close_codes.UNREACHABLE}),
}  # fmt: skip


@pytest.mark.parametrize("what", BEFORE_IT_OPENS)
def test_a_console_that_cannot_be_opened_says_why(house: House, what: str) -> None:
    prepare, ends = BEFORE_IT_OPENS[what]

    async def scenario() -> int | None:
        browser = await house.open()
        return await browser.read_to_end()

    with prepare(house):
        assert house.run(scenario()) in {end.code for end in ends}


def test_a_stream_that_breaks_is_told_as_such_and_no_worker_of_the_node_dies(house: House) -> None:
    async def scenario() -> int | None:
        browser = await house.open()
        await browser.start_console(KEY_A)
        with house.cluster.fault("drop_stream", vmid=house.vm.vmid):
            browser.send(request(incremental=0))
            return await browser.read_to_end()

    assert house.run(scenario()) == close_codes.NODE_ENDED.code
    assert house.cluster.state("worker_deaths")["worker_deaths"] == 0


@pytest.mark.parametrize("spoil", [lambda b: b.send(b"hello", 0x81), lambda b: b.send(b"\x96" + bytes(9))])
def test_a_browser_that_breaks_the_rules_is_told_so(house: House, spoil: Callable[[Browser], None]) -> None:
    async def scenario() -> int | None:
        browser = await house.open()
        await browser.start_console()
        spoil(browser)
        return await browser.read_to_end()

    assert house.run(scenario()) == close_codes.BROWSER_BROKE.code


def test_a_browser_that_offers_to_compress_is_not_taken_up_on_it(house: House) -> None:
    """What comes compressed may be a thousand times larger than what was sent."""

    async def scenario() -> tuple[Browser, int | None]:
        offers = [*headers(house.portal.origin, house.cookie, await house.new_grant())]
        offers.append(("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"))
        browser = await Browser.open(house.portal.port, house.path, offers)
        house.browsers.append(browser)
        browser.send(bytes(10), 0xC2)
        return browser, await browser.read_to_end()

    browser, code = house.run(scenario())
    assert (b"extensions" in bytes(browser.raw).lower(), code) == (False, close_codes.BROWSER_BROKE.code)


def test_an_unknown_path_and_a_socket_without_a_grant_are_refused(house: House) -> None:
    async def status(path: str, grant: str) -> int:
        try:
            await Browser.open(house.portal.port, path, headers(house.portal.origin, house.cookie, grant))
        except Refused as refused:
            return refused.status
        return 101

    async def scenario() -> list[int]:
        grant = await house.new_grant()
        tries = [("/ws/nothing/", grant), (house.path, ""), ("/ws/console/999/", grant)]
        return [await status(*one) for one in tries]

    assert house.run(scenario()) == [403, 403, 403]


def test_codes_and_words_are_unique_and_each_end_has_a_sentence() -> None:
    assert len({end.code for end in ENDS}) == len({end.word for end in ENDS}) == len(ENDS)
    assert all(end.sentence.endswith(".") and (end.code == 1000 or 4000 <= end.code < 5000) for end in ENDS)


def test_a_visit_left_open_by_a_crash_is_closed(transactional_db: None) -> None:
    cast, now = make_cast(), timezone.now()
    vm = make_vm(cast.alices)
    assert vm.smbios_uuid is not None
    for age in (timedelta(seconds=41), timedelta(seconds=39)):
        ConsoleVisit.objects.create(
            user=cast.alice, user_name="alice", vm=vm, machine_uuid=vm.smbios_uuid, opened_at=now, seen_at=now - age
        )

    close_abandoned()

    assert list(ConsoleVisit.objects.values_list("end", flat=True).order_by("pk")) == ["lost", ""]
