"""U-21, U-23: the console's page in each state of its life, judged as every page is."""

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from consoles.models import ConsoleVisit
from tests.consoles.conftest import House
from tests.consoles.page.conftest import Site
from tests.consoles.page.screen import Screen
from tests.consoles.page.test_endings import end_by_rita, others
from tests.figures import SOAK, figure
from tests.pages.axe import violations
from tests.pages.geometry import flaws
from tests.pages.window import DESKTOP, PHONE, TABLET, Window
from vms.models import VirtualMachine
from vms.states import Power

pytestmark = [pytest.mark.browser]
VIEWS = [(PHONE, "light"), (DESKTOP, "dark")]
ALL_VIEWS = [(size, theme) for size in (PHONE, TABLET, DESKTOP) for theme in ("light", "dark")]
SHOTS = os.environ.get("VMPORTAL_SHOTS", "")
WARN = """() => { const warn = document.querySelector("[data-warn]"); warn.hidden = false;
  warn.querySelector("[data-warn-text]").textContent = "Nobody has used this console for a while. It closes in";
  warn.querySelector("[data-warn-left]").textContent = "58 s"; }"""
State = Callable[[Screen, Site], AbstractContextManager[object]]


@contextmanager
def connecting(screen: Screen, site: Site) -> Iterator[None]:
    with screen.house.cluster.fault("slow", seconds=3, match={"method": "POST"}):
        screen.visit()
        yield


@contextmanager
def connected(screen: Screen, site: Site) -> Iterator[None]:
    screen.open()
    there = {"vm": screen.house.vm, "machine_uuid": screen.house.vm.smbios_uuid, "opened_at": timezone.now()}
    for name, mode in (("rita", "watch"), ("bob", "view")):
        ConsoleVisit.objects.create(user_name=name, mode=mode, seen_at=timezone.now(), **there)
    expect(screen.page.locator("[data-console-people]")).to_have_text("You · rita (RTP, watching) · bob (looking)")
    yield


@contextmanager
def unstable(screen: Screen, site: Site) -> Iterator[None]:
    screen.open()
    with site.cable.frozen():
        screen.pass_time(1.75)
        screen.is_now("Unstable")
        yield


@contextmanager
def lost(screen: Screen, site: Site) -> Iterator[None]:
    screen.open()
    with site.cable.cut():
        screen.is_now("Connection lost")
        yield


@contextmanager
def ended(screen: Screen, site: Site) -> Iterator[None]:
    screen.open()
    end_by_rita(screen.house)
    screen.offers("Open again")
    yield


@contextmanager
def too_many(screen: Screen, site: Site) -> Iterator[None]:
    others(screen.house, 6)
    screen.visit()
    expect(screen.part("open").locator("li")).to_have_count(6)
    yield


@contextmanager
def stopped(screen: Screen, site: Site) -> Iterator[None]:
    VirtualMachine.objects.filter(pk=screen.house.vm.pk).update(power=Power.STOPPED)
    screen.visit().offers("Start web-01")
    yield


@contextmanager
def idle_warning(screen: Screen, site: Site) -> Iterator[None]:
    screen.open().window.run(WARN)
    yield


@contextmanager
def power_menu(screen: Screen, site: Site) -> Iterator[None]:
    screen.open().page.locator("[data-power] summary").click()
    yield


@contextmanager
def asked_back(screen: Screen, site: Site) -> Iterator[None]:
    screen.open().page.locator("[data-power] summary").click()
    screen.page.locator("[data-power]").get_by_role("link", name="Reset…").click()
    expect(screen.page.locator("[data-power-dialog]")).to_be_visible()
    yield


STATES: dict[str, State] = {
    "connecting": connecting, "connected": connected, "unstable": unstable, "lost": lost, "ended": ended,
    "too-many": too_many, "stopped": stopped, "idle-warning": idle_warning, "power-menu": power_menu,
    "asked-back": asked_back,
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_the_console_is_usable_in_each_state_of_its_life(
    house: House, site: Site, chromium: Browser, state: str
) -> None:
    wrong: list[str] = []
    for size, theme in ALL_VIEWS if SOAK else VIEWS:
        opened = Window(chromium, site.origin, house.cast.alice, size=size, theme=theme)
        with opened as window, STATES[state](Screen(window, house), site):
            shoot(window, f"console-{state}-{size[0]}-{theme}")
            wrong += [f"{size[0]} {theme}: {line}" for line in violations(window) + flaws(window)]
        ConsoleVisit.objects.all().delete()
    assert not wrong, "\n".join(wrong)
    figure("U-21", f"console {state}", "views", len(ALL_VIEWS if SOAK else VIEWS), "violations", 0, "flaws", 0)


def shoot(window: Window, name: str) -> None:
    """A screenshot for a person to look at, on request."""
    if SHOTS:
        with contextlib.suppress(OSError):
            window.page.screenshot(path=Path(SHOTS) / f"{name}.png")
