"""What goes on around the picture: the link, the people, the power, hidden pages, a portal that starts anew."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django import Settings

from accounts.models import PoolMembership
from accounts.roles import Role
from consoles import grants
from consoles.models import ConsoleGrant
from tests.consoles.conftest import House
from tests.consoles.page.conftest import SEATS, SERVED, Site
from tests.consoles.page.screen import Screen
from tests.consoles.portal import serving
from tests.consoles.test_in_a_browser import wait_for
from tests.figures import figure, scaled
from tests.pages.window import Window
from tests.vms.operations.workshop import SHORT, Workshop
from vms.models import Operation, VirtualMachine
from vms.states import OperationState, Power

pytestmark = [pytest.mark.browser]
CONNECT_S = 1.5
CANVAS = "[data-console-screen] canvas"
#: From the press to the screen, in real time.
PRESS = """() => new Promise((done) => {
  const panel = document.querySelector("[data-console]"), from = Date.now();
  const seen = new MutationObserver(() => { if (panel.classList.contains("is-open")) done(Date.now() - from); });
  seen.observe(panel, { attributes: true });
  panel.querySelector("[data-console-again]").click(); })"""
HIDE = """(isHidden) => { Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange")); }"""


def test_a_console_opens_within_a_second_and_a_half(screen: Screen) -> None:
    screen.open()
    took: list[float] = []
    for _ in range(tries := scaled(20, 200)):
        screen.page.click("[data-console-do=leave] >> visible=true")
        ConsoleGrant.objects.update(issued_at=timezone.now() - grants.PACE)  # as if a minute had passed
        took.append(screen.window.run(PRESS) / 1000)
    assert max(took) <= CONNECT_S
    figure("U-10", "connects", tries, "median s", f"{sorted(took)[tries // 2]:.2f}", "worst s", f"{max(took):.2f}")


def test_the_bar_tells_the_round_trip_and_a_silence(screen: Screen, site: Site) -> None:
    screen.open()
    expect(screen.part("ms")).to_have_text(re.compile(r"^· \d+ ms$"), timeout=5_000)

    with site.cable.frozen():
        screen.pass_time(1.75)
        screen.is_now("Unstable")
        expect(screen.part("ms")).to_have_text("")

    screen.is_now("Connected")


def test_a_long_silence_is_given_up_without_waiting_for_the_network(screen: Screen, site: Site) -> None:
    screen.open().painted()

    with site.cable.frozen():
        screen.pass_time(15.5)
        screen.is_now("Connection lost")
        assert screen.colours() > 1

    assert screen.back_within_s(5) < 5
    expect(screen.part("kept")).to_be_hidden()


def test_a_portal_that_starts_anew_is_waited_for(screen: Screen, site: Site, tmp_path: Path) -> None:
    for _ in range(scaled(1, 5)):
        with serving(screen.house.cluster, tmp_path, SERVED, SITE_URL=site.origin, **SEATS) as first:
            site.cable.portal_port = first.port
            screen.open()
        site.cable.portal_port = site.portal.port
        waited_s = screen.back_within_s(5)
    figure("U-11", "portal started anew", "came back", scaled(1, 5), "worst s after its return", f"{waited_s:.1f}")


def test_a_network_that_comes_back_is_used_at_once(screen: Screen, site: Site) -> None:
    screen.open()
    with site.cable.cut():
        screen.is_now("Connection lost")

    screen.window.run("() => window.dispatchEvent(new Event('online'))")

    screen.is_now("Connected")


def test_a_hidden_page_keeps_its_console_and_asks_for_none(screen: Screen, site: Site) -> None:
    screen.open().window.run(HIDE, True)
    screen.pass_time(60)
    screen.is_now("Connected")

    with site.cable.cut():
        screen.is_now("Connection lost")
    asked = ConsoleGrant.objects.count()
    screen.pass_time(600)
    assert ConsoleGrant.objects.count() == asked
    assert screen.page.title().startswith("Connection lost · ")

    screen.window.run(HIDE, False)
    screen.is_now("Connected")
    assert screen.page.title().startswith("Console · web-01")


@pytest.fixture
def worker(house: House, settings: Settings) -> Workshop:
    """Does what pages ask for, in this process."""
    for name, value in {**house.cluster.settings(), **SHORT}.items():
        setattr(settings, name, value)
    return Workshop(house.cast, house.cluster)


def done(worker: Workshop) -> Operation:
    operation = worker.work(Operation.objects.latest("pk"))
    assert operation.state == OperationState.SUCCEEDED, operation.sentence
    return operation


def test_a_reset_is_asked_back_and_done_without_leaving_the_screen(screen: Screen, worker: Workshop) -> None:
    page = screen.open().page
    page.locator("[data-power] summary").click()
    page.locator("[data-power]").get_by_role("link", name="Reset…").click()
    dialog = page.locator("[data-power-dialog]")
    expect(dialog.get_by_role("heading")).to_have_text("Reset web-01?")

    dialog.get_by_role("button", name="Reset web-01").click()

    expect(page.locator("[data-power-said]")).to_have_text("Reset web-01: asked for.")
    expect(page.locator(CANVAS)).to_be_focused()
    assert done(worker).kind == "reset"
    screen.is_now("Connected")
    assert ConsoleGrant.objects.count() == 1
    figure("U-11", "reset", "came back", 1, "of", 1, "without a break")


def test_a_reset_that_is_kept_back_leads_to_the_power_menu_again(screen: Screen) -> None:
    page = screen.open().page
    page.locator("[data-power] summary").click()
    page.locator("[data-power]").get_by_role("link", name="Reset…").click()
    expect(page.locator("[data-power-dialog]")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.locator("[data-power] summary")).to_be_focused()


def test_a_stopped_machine_is_started_from_its_screen_and_attached(screen: Screen, worker: Workshop) -> None:
    vm = VirtualMachine.objects.filter(pk=screen.house.vm.pk)
    vm.update(power=Power.STOPPED)
    screen.house.cluster.change(screen.house.vm.vmid or 0, status="stopped")
    page = screen.visit().page

    page.get_by_role("button", name="Start web-01").click()

    expect(screen.part("title")).to_have_text("Starting web-01")
    expect(page.locator("[data-power-said]")).to_have_text("")
    assert done(worker).kind == "start"
    assert screen.back_within_s(5) <= 5


def test_a_viewer_is_told_why_no_power_is_offered(screen: Screen) -> None:
    VirtualMachine.objects.update(pool=screen.house.cast.shared)
    screen.house.cluster.change(screen.house.vm.vmid or 0, pool="ctf")
    PoolMembership.objects.filter(user=screen.house.cast.alice).update(role=Role.VIEWER)
    page = screen.open("Connected, view only").page

    page.locator("[data-power] summary").click()

    expect(page.locator("[data-power-in]")).to_have_text("As viewer of ctf you cannot do this.")


def test_without_watching_the_same_keys_arrive(ritas: Screen) -> None:
    ritas.path = ritas.path.removesuffix("?watch=1")
    ritas.open().page.locator(CANVAS).press("x")

    keys = f"/guests/{ritas.house.vm.vmid}/keys"
    wait_for(lambda: ritas.house.cluster.control("GET", keys), ritas.page)


@pytest.fixture
def ritas(house: House, site: Site, chromium: Browser) -> Iterator[Screen]:
    """Rita, who has a role in the pool and watches all the same."""
    VirtualMachine.objects.filter(pk=house.vm.pk).update(pool=house.cast.shared)
    house.cluster.change(house.vm.vmid or 0, pool="ctf")
    PoolMembership.objects.create(pool=house.cast.shared, user=house.cast.rita, role=Role.MANAGER)
    with Window(chromium, site.origin, house.cast.rita) as window:
        yield Screen(window, house, f"/vms/{house.vm.pk}/console/?watch=1")


def test_an_rtp_who_watches_is_seen_and_has_no_effect(screen: Screen, ritas: Screen) -> None:
    screen.open()
    ritas.open("Connected, view only")
    people = screen.part("people").and_(screen.page.locator(":not([data-console-people-said])"))
    expect(people).to_have_text("You · rita (RTP, watching)", timeout=2_000)
    expect(screen.part("people-said")).to_have_text("rita (RTP, watching) is here.")
    expect(ritas.page.locator("[data-console-people]")).to_have_text("You · alice", timeout=2_000)

    for _ in range(presses := scaled(50, 500)):
        ritas.page.locator(CANVAS).press("x")
    ritas.page.locator(CANVAS).click()
    screen.page.locator(CANVAS).press("y")

    keys = f"/guests/{screen.house.vm.vmid}/keys"
    wait_for(lambda: screen.house.cluster.control("GET", keys), screen.page)
    found = screen.house.cluster.control("GET", keys)
    assert {(event["kind"], event.get("keysym")) for event in found} == {("key", ord("y"))}
    ritas.page.click("[data-console-do=leave] >> visible=true")
    expect(people).to_be_hidden(timeout=2_000)
    expect(screen.part("people-said")).to_have_text("rita (RTP, watching) left.")
    figure("U-16", "presses of who watches", presses, "that reached the machine", 0, "people told within s", 2)
