"""A member who knows only Proxstar finds each of its actions: from the sign-in page, by words that can be seen.

No address is typed after the first. What is pressed is written on the page, or is the icon of a row's menu.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django import Settings

from tests.cast import PASSWORD, Cast, make_cast
from tests.factories import make_iso, make_node, make_reading, make_template, make_vm
from tests.figures import figure
from tests.pages.parts import hardware
from tests.pages.window import DESKTOP, PHONE, Window
from vms.models import Storage
from vms.states import Power

pytestmark = pytest.mark.browser
MOST_CLICKS = 3
PRESSED = "a, button, summary"


@dataclass(frozen=True)
class Goal:
    """What Proxstar's member does, the words to follow from the list, and the words that do it at their end.

    "a > b" is b in the row that says a. `types` is what is found where it is typed or chosen, not pressed.
    """

    action: str
    trail: tuple[str, ...]
    then: str = ""
    types: str = ""


GOALS = (
    Goal("see states of all VMs", (), "web-01 > Running"),
    Goal("see use and limits", (), "CPU (running)"),
    Goal("create from a template", ("Create VM",), "Create VM", "Debian 12"),
    Goal("create from an ISO", ("Create VM",), "Create VM", "debian-12.9.0-amd64-netinst.iso"),
    Goal("give an SSH key", ("Create VM",), "Create VM", "Public key"),
    Goal("see a VM's pages", ("web-01",), "Made from"),
    Goal("start", ("stopped",), "Start"), Goal("start from the list", ("stopped > …",), "Start"),
    Goal("shut down", ("web-01",), "Shut down"), Goal("stop hard", ("web-01", "More"), "Force stop"),
    Goal("reset", ("web-01", "More"), "Reset"), Goal("suspend", ("web-01", "More"), "Pause"),
    Goal("resume", ("asleep",), "Resume"), Goal("open the console", ("web-01",), "Open console"),
    Goal("change cores", ("web-01", "Hardware", "CPU > Edit"), "Save", "Exact numbers"),
    Goal("change memory", ("web-01", "Hardware", "CPU > Edit"), "Save", "Exact numbers"),
    Goal("add a disk", ("web-01", "Hardware", "Add disk"), "Add disk", "Size in GiB"),
    Goal("grow a disk", ("web-01", "Hardware", "Disk 1 > Grow"), "Grow", "Size in GiB"),
    Goal("detach a disk", ("web-01", "Hardware", "Disk 1 > Detach"), "Detach"),
    Goal("delete a detached disk", ("web-01", "Hardware", "Detached disk 1 > Delete"), "Delete"),
    Goal("add a CD drive", ("web-01", "Hardware", "Add CD drive"), "Add CD drive"),
    Goal("insert an ISO", ("web-01", "Hardware", "CD drive 1 > Insert ISO"), "Insert", "ISO"),
    Goal("eject an ISO", ("web-01", "Hardware", "CD drive 1 > Eject"), "Eject"),
    Goal("remove a CD drive", ("web-01", "Hardware", "CD drive 1 > Remove"), "Remove"),
    Goal("add a network card", ("web-01", "Hardware", "Add network card"), "Add"),
    Goal("remove a network card", ("web-01", "Hardware", "Network card 1 > Remove"), "Remove"),
    Goal("change the boot order", ("web-01", "Hardware", "Boot order > Edit"), "Save order", "Move down"),
    Goal("renew", ("web-01",), "Renew"), Goal("renew from the list", (), "web-01 > Renew"),
    Goal("delete", ("stopped", "More", "Delete"), "Delete stopped"),
    Goal("see a shared pool's VMs", (), "ctf-box"),
    Goal("see shared pools", ("Shared pools",), "ctf"),
    Goal("sign out", ("Account", "Sign out"), "Sign out"),
)  # fmt: skip


@pytest.fixture
def cast(transactional_db: None, settings: Settings) -> Cast:
    """Alice with a machine in each state, one in a shared pool, and something to install."""
    settings.PROXMOX_VM_STORAGE, settings.PROXMOX_VM_STORAGES = "shared", ("shared",)
    cast, later = make_cast(), timezone.now() + timedelta(hours=1)
    make_reading(later)
    Storage.objects.create(node=make_node("pve1"), name="shared", content="images,iso")
    make_template("debian-12", title="Debian 12", cloud_init_user="debian", disk_gib=5)
    make_iso("debian-12.9.0-amd64-netinst.iso")
    known: dict[str, Any] = {
        "last_seen": later, "source": "Debian 12", "cores": 1, "memory_mib": 512, "disk_gib": 40,
        "hardware": hardware(), "config_read_at": later, "lease_until": later + timedelta(days=3),
    }  # fmt: skip
    make_vm(cast.alices, "web-01", power=Power.RUNNING, **known)
    make_vm(cast.alices, "stopped", **known)
    make_vm(cast.alices, "asleep", power=Power.PAUSED, **known)
    make_vm(cast.shared, "ctf-box", power=Power.RUNNING, **known)
    return cast


@pytest.mark.parametrize(
    "size", [pytest.param(DESKTOP, id="desktop"), pytest.param(PHONE, id="phone", marks=pytest.mark.soak)]
)
def test_each_action_of_proxstar_is_found_by_words(
    size: tuple[int, int], cast: Cast, chromium: Browser, site: str
) -> None:
    with Window(chromium, site, size=size) as window:
        page = sign_in(window)
        for goal in GOALS:
            to_the_list(page)
            for words in goal.trail:
                pressable(page, words).click()
            if goal.types:
                expect(visible(page, goal.types)).to_be_visible()
            expect(pressable(page, goal.then).or_(visible(page, goal.then)).first).to_be_visible()
            assert len(goal.trail) <= MOST_CLICKS, goal.action

    clicks = ", ".join(f"{goal.action} {len(goal.trail)}" for goal in GOALS)
    figure("U-found", size[0], "px actions", len(GOALS), "most clicks", MOST_CLICKS, "clicks:", clicks)


def test_without_a_machine_the_same_pages_are_reached(cast: Cast, chromium: Browser, site: str) -> None:
    """A member's first day, on a telephone: pools, trash and limits are there without a machine."""
    with Window(chromium, site, cast.bob, size=PHONE) as window:
        page = window.open("/")
        for words in ("Create your first VM", "Shared pools", "Trash", "Limits and requests"):
            to_the_list(page)
            pressable(page, words).click()
            expect(page.locator("h1")).to_be_visible()


def sign_in(window: Window) -> Page:
    """From the first page, as a person does."""
    page = window.open("/")
    page.fill("#id_login", "alice")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("My VMs")
    return page


def to_the_list(page: Page) -> None:
    """By the navigation, wherever one is."""
    page.locator("nav a:visible", has_text=re.compile(r"^\s*(My )?VMs\s*$")).first.click()
    expect(page.locator("h1")).to_have_text("My VMs")


def pressable(page: Page, words: str) -> Locator:
    """What bears these words and can be pressed; "…" is the menu of a row."""
    place, _, said = words.rpartition(" > ")
    row = page.locator("tr").filter(has=page.locator("th", has_text=re.compile(rf"^\s*{re.escape(place)}\b")))
    scope = row.first if place else page.locator("body")
    if said == "…":
        return scope.locator("summary:visible").first
    begins = re.compile(rf"^\s*{re.escape(said)}\b")
    return scope.locator(f":is({PRESSED}):visible").filter(has_text=begins).first


def visible(page: Page, words: str) -> Locator:
    """A text on the page."""
    return page.get_by_text(words.rpartition(" > ")[2]).locator("visible=true").first
