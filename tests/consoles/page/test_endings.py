"""U-11: every end has its own sentence on the page and its next step, brought about for real where that can be done."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from playwright.sync_api import Browser, expect

from accounts.models import PoolMembership
from accounts.roles import Role
from consoles import close_codes, visits
from consoles.close_codes import ENDS, End
from consoles.models import ConsoleShare, ConsoleVisit
from tests.consoles.conftest import House
from tests.consoles.page.conftest import Site
from tests.consoles.page.screen import Screen
from tests.factories import make_node, make_vm
from tests.figures import add_to_figure
from tests.pages.window import Window
from vms.models import VirtualMachine
from vms.states import Lifecycle

pytestmark = [pytest.mark.browser]
AGAIN = " We try again by ourselves."


def rows(house: House, **columns: object) -> None:
    VirtualMachine.objects.filter(pk=house.vm.pk).update(**columns)


def told(end: End) -> str:
    return end.sentence + (AGAIN if end.again else "")


def newest() -> int:
    return ConsoleVisit.objects.latest("pk").pk


def end_by_rita(house: House) -> None:
    visits.ask_to_end_with(house.cast.rita, newest(), "maintenance", address="", now=timezone.now())


def end_by_herself(house: House) -> None:
    visits.ask_to_end(house.cast.alice, newest(), address="", now=timezone.now())


def narrow(house: House) -> None:
    PoolMembership.objects.filter(user=house.cast.alice).update(role=Role.VIEWER)


#: While it is open: what happens, which end it is, and what the page offers.
OPEN: dict[str, tuple[Callable[[House], object], End, str]] = {
    "signed out": (lambda h: Session.objects.all().delete(), close_codes.SIGNED_OUT, "Sign in"),
    "right lost": (lambda h: rows(h, pool=h.cast.bobs), close_codes.RIGHT_LOST, "My VMs"),
    "locked": (lambda h: rows(h, locked_at=timezone.now(), lock_reason="Mining."), close_codes.LOCKED, "Go to web-01"),
    "deleted": (lambda h: rows(h, lifecycle=Lifecycle.GONE), close_codes.GONE, "My VMs"),
    "in the trash": (lambda h: rows(h, trashed_at=timezone.now()), close_codes.TRASHED, "Go to web-01"),
    "narrowed": (narrow, close_codes.NARROWED, "Reconnect now"),
    "ended by its person": (end_by_herself, close_codes.ENDED, "Open again"),
}  # fmt: skip


@pytest.mark.parametrize("what", OPEN)
def test_an_open_console_says_why_it_ended(screen: Screen, what: str) -> None:
    act, end, step = OPEN[what]
    rows(screen.house, pool=screen.house.cast.shared if end == close_codes.NARROWED else screen.house.cast.alices)
    screen.house.cluster.change(screen.house.vm.vmid or 0, pool="ctf" if end == close_codes.NARROWED else "alice")
    screen.open()

    act(screen.house)

    screen.says(told(end))
    screen.offers(step)
    add_to_figure("U-11 endings", real=1)


def _stopped(house: House) -> AbstractContextManager[Any]:
    house.cluster.change(house.vm.vmid or 0, status="stopped")
    return nullcontext()


def _refused(house: House) -> AbstractContextManager[Any]:
    fault: AbstractContextManager[Any] = house.cluster.fault("error500", sentence="no", match={"method": "POST"})
    return fault


def _node_down(house: House) -> AbstractContextManager[Any]:
    fault: AbstractContextManager[Any] = house.cluster.fault("node_down", node=house.vm.node)
    return fault


#: Before it opens: what is wrong, which end it is, and what the page offers.
CLOSED: dict[str, tuple[Callable[[House], AbstractContextManager[Any]], End, str]] = {
    "stopped, though we think it runs": (_stopped, close_codes.STOPPED, "Reconnect now"),
    "refused": (_refused, close_codes.REFUSED, "Open again"),
    "node down": (_node_down, close_codes.UNREACHABLE, "Reconnect now"),
}


@pytest.mark.parametrize("what", CLOSED)
def test_a_console_that_cannot_be_opened_says_why(screen: Screen, what: str) -> None:
    prepare, end, step = CLOSED[what]
    with prepare(screen.house):
        screen.visit().says(told(end))
    screen.offers(step)
    add_to_figure("U-11 endings", real=1)


def test_a_node_that_we_know_to_be_silent_is_named(screen: Screen) -> None:
    make_node(screen.house.vm.node, is_online=False)

    screen.visit().says(f"{close_codes.NODE_DOWN.sentence} The console opens by itself.")
    add_to_figure("U-11 endings", real=1)


def test_an_end_by_an_rtp_names_the_rtp_and_the_reason(screen: Screen) -> None:
    screen.open()

    end_by_rita(screen.house)

    expect(screen.part("text")).to_contain_text("rita (RTP) ended this console at ", timeout=10_000)
    expect(screen.part("text")).to_contain_text(": maintenance")
    screen.offers("Open again")
    assert screen.colours() == 0
    add_to_figure("U-11 endings", real=1)


def test_a_console_opened_elsewhere_is_taken_back_by_a_click(screen: Screen, site: Site, chromium: Browser) -> None:
    screen.open()
    with Window(chromium, site.origin, screen.house.cast.alice) as other:
        second = Screen(other, screen.house).open()
        screen.says(close_codes.ELSEWHERE.sentence)

        screen.page.click("text=Use it here")

        screen.is_now("Connected")
        second.says(close_codes.ELSEWHERE.sentence)
    add_to_figure("U-11 endings", real=1)


def others(house: House, count: int, **columns: object) -> None:
    """Open consoles of alice's, or whoever's, at other machines."""
    now = timezone.now() + timedelta(minutes=1)
    known: dict[str, Any] = {"user": house.cast.alice, "user_name": "alice", "node": "pve3", "address": "192.0.2.9"}
    for number in range(count):
        vm = make_vm(house.cast.alices, f"db-{number}", node="pve3")
        row = {"vm": vm, "machine_uuid": vm.smbios_uuid, "opened_at": now, "seen_at": now}
        ConsoleVisit.objects.create(**(known | row | columns))


def test_one_too_many_lists_the_others_and_opens_when_one_is_closed(screen: Screen) -> None:
    others(screen.house, 6)
    screen.visit().says("You already have 6 consoles open. Close one to open this one.")
    lines = screen.part("open").locator("li")
    expect(lines).to_have_count(6)
    expect(lines.first).to_contain_text("db-0 · 192.0.2.9 · since ")

    lines.first.get_by_role("button").click()

    screen.is_now("Connected")
    assert ConsoleVisit.objects.get(vm__name="db-0").end_asked == close_codes.ENDED.word
    add_to_figure("U-11 endings", real=1)


def test_a_full_node_is_waited_for(screen: Screen) -> None:
    others(screen.house, 40, user=screen.house.cast.bob, node=screen.house.vm.node)
    screen.visit().says(f"{close_codes.NODE_FULL.sentence} The console opens by itself.")

    ConsoleVisit.objects.filter(user=screen.house.cast.bob).update(closed_at=timezone.now())

    assert screen.back_within_s(5)
    add_to_figure("U-11 endings", real=1)


def test_a_share_that_is_over_is_told_to_its_guest(house: House, site: Site, chromium: Browser) -> None:
    now, machine_uuid = timezone.now(), house.vm.smbios_uuid
    assert machine_uuid is not None
    share = ConsoleShare.objects.create(
        ref_hash="0" * 64, maker=house.cast.alice, vm=house.vm, machine_uuid=machine_uuid,
        guest=house.cast.bob, made_at=now, taken_at=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    with Window(chromium, site.origin, house.cast.bob) as window:
        screen = Screen(window, house, f"/consoles/guest/{share.pk}/").open("Connected, view only")
        share.revoked_at = now
        share.save()
        screen.says(close_codes.SHARE_OVER.sentence)
        screen.offers("My VMs")
    add_to_figure("U-11 endings", real=1)


def test_disconnecting_is_the_persons_own_end(screen: Screen) -> None:
    screen.open().page.click("[data-console-do=leave] >> visible=true")

    screen.says(close_codes.LEFT.sentence)
    screen.page.click("text=Open again")
    screen.is_now("Connected")
    add_to_figure("U-11 endings", real=1)


@dataclass
class Codes:
    """A server that closes every console with this code."""

    code: int = 0


#: As a page does that comes back by the browser's history.
COME_BACK = "() => window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))"
#: These lead to another try at once, or are heard of by the grant.
WITH_LIST = {close_codes.TOO_MANY}


def test_every_code_of_the_table_has_its_sentence_and_step_on_the_page(screen: Screen) -> None:
    codes = Codes()
    screen.page.route_web_socket("**/ws/**", lambda socket: socket.close(code=codes.code))
    screen.visit()
    for end in [end for end in ENDS if end not in WITH_LIST]:
        codes.code = end.code
        screen.window.run(COME_BACK)
        screen.says(told(end))
        expect(screen.page.locator("[data-console-cover] .btn:visible")).to_have_count(1)
        add_to_figure("U-11 endings", told=1)
