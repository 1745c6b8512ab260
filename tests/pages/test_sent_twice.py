"""U-04 in Chromium: double click, Enter and click, two tabs, back and sent again. What is meant once happens once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page
from pytest_django import Settings

from accounts.models import AuditEvent
from tests.cast import make_cast
from tests.devcluster.cluster import DevCluster
from tests.factories import make_reading
from tests.figures import SOAK, add_to_figure
from tests.pages.window import Window
from tests.vms.operations.bench import Bench
from tests.vms.operations.test_double_submits import Form, ready
from tests.vms.operations.workshop import SHORT, Workshop
from vms.models import VirtualMachine
from vms.operations.changing import TRACELESS

pytestmark = pytest.mark.browser
DANGER, SEND = "main form .btn-danger", "#send"


@dataclass(frozen=True)
class Deed:
    """One action: its page below the machine's (or from the root), what is filled in, and what is pressed."""

    kind: str
    path: str
    press: str
    fills: dict[str, str] = field(default_factory=dict)
    opens: str = ""


DEEDS = (
    Deed("start", "", "#first-action:has-text('Start')"), Deed("shutdown", "", "#first-action:has-text('Shut down')"),
    Deed("reboot", "", "button:text-is('Reboot')", opens="#more"),
    Deed("suspend", "", "button:text-is('Pause')", opens="#more"),
    Deed("stop", "actions/stop/", DANGER), Deed("reset", "actions/reset/", DANGER),
    Deed("resize", "change/resize/", SEND, {"#id_cores": "2", "#id_memory_gib": "1"}, "text=Exact numbers"),
    Deed("grow_disk", "change/grow_disk/?slot=scsi0", SEND, {"#id_size_gib": "6"}),
    Deed("add_disk", "change/add_disk/", SEND, {"#id_size_gib": "2"}), Deed("add_nic", "change/add_nic/", SEND),
    Deed("tags", "change/tags/", SEND, {"#id_tags": "web new"}),
    Deed("autostart", "hardware/", "button:has-text('start at boot')"),
    Deed("apply", "hardware/", "button:text-is('Apply by restart')"),
    Deed("snapshot", "snapshots/", "button:text-is('Take snapshot')", {"#id_name": "clean"}),
    Deed("roll_back", "snapshots/kept/roll-back/", DANGER), Deed("drop_snapshot", "snapshots/kept/delete/", DANGER),
    Deed("renew", "", "button:has-text('Renew')"), Deed("trash", "actions/trash/", DANGER),
    Deed("restore", "/trash/", "button:text-is('Restore')"),
    Deed("delete", "actions/delete/", DANGER, {"#id_name": "web-01"}),
    Deed("create", "/vms/new/", "#submit", {"#id_name": "made-{pk}"}, "label.choice:has-text('small-linux.iso')"),
)  # fmt: skip


#: In `make test` one of each sort; every action is tried over HTTP by tests/vms/operations/test_double_submits.py.
SOME = {"start", "shutdown", "reboot", "resize", "add_nic", "snapshot", "roll_back", "renew", "trash", "delete"}
TRIED = tuple(deed for deed in DEEDS if SOAK or deed.kind in SOME | {"create"})


@pytest.fixture
def house(
    transactional_db: None, devcluster: DevCluster, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Workshop:
    """The stand-in as seeded, behind a portal that was read just now. No console is open.

    Consoles are told by an event loop, and the browser's own loop runs in this thread.
    """
    monkeypatch.setattr("consoles.receivers._say", lambda group: None)
    room = {"QUOTA_DEFAULT_CORES": 1000, "QUOTA_DEFAULT_MEMORY_MIB": 10**6, "QUOTA_DEFAULT_DISK_GIB": 10**5}
    for name, value in {**devcluster.settings(), **SHORT, **room}.items():
        setattr(settings, name, value)
    make_reading(timezone.now() + timedelta(hours=1))
    return Workshop(make_cast(), devcluster)


class Finger:
    """Somebody at one page with one thing to press."""

    def __init__(self, window: Window, deed: Deed, vm: VirtualMachine) -> None:
        self.window, self.deed, self.vm = window, deed, vm
        self.path = deed.path if deed.path.startswith("/") else f"/vms/{vm.pk}/{deed.path}"

    def open(self, page: Page | None = None) -> Page:
        """The page with everything filled in, in this tab or in another."""
        page = page or self.window.page
        page.goto(self.window.site + self.path)
        self.fill(page)
        return page

    def fill(self, page: Page) -> None:
        """What is chosen and typed before it is sent."""
        if self.deed.opens:
            page.locator(self.deed.opens).first.click()
        for place, text in self.deed.fills.items():
            page.fill(place, text.format(pk=self.vm.pk))

    def button(self, page: Page) -> Locator:
        """What sends it."""
        return page.locator(f"{self.deed.press} >> visible=true").first

    def press(self, page: Page, how: Callable[[Locator], Any] = lambda button: button.click()) -> None:
        """Sends it, and waits for the answer."""
        with page.expect_event("load"):
            how(self.button(page))


def once(finger: Finger, house: Workshop) -> None:
    """The measure: sent once."""
    finger.press(finger.open())


def double(finger: Finger, house: Workshop) -> None:
    """A double click."""
    finger.press(finger.open(), lambda button: button.dblclick())


def both(finger: Finger, house: Workshop) -> None:
    """Enter in the form, which sends it by its button, and a click in the same moment."""
    page = finger.open()
    finger.press(page, lambda button: button.evaluate("(one) => { one.form.requestSubmit(one); one.click(); }"))


def tabs(finger: Finger, house: Workshop) -> None:
    """Three tabs with the same page: one while the other is at work, one after the end."""
    first, second, third = (finger.open(finger.window.context.new_page()) for _ in range(3))
    finger.press(first)
    finger.press(second)
    house.work_all()
    finger.press(third)


def back(finger: Finger, house: Workshop) -> None:
    """Back after the end, and sent again where the page still offers it."""
    page = finger.open()
    finger.press(page)
    house.work_all()
    page.go_back()
    again(finger, page)


def hasty(finger: Finger, house: Workshop) -> None:
    """Back while it is at work, and sent again where the page still offers it."""
    page = finger.open()
    finger.press(page)
    page.go_back()
    again(finger, page)


def again(finger: Finger, page: Page) -> None:
    """Fills it in and presses, as far as what is needed is there."""
    needed = [place for place in (finger.deed.opens, *finger.deed.fills) if place]
    if all(page.locator(place).count() for place in needed):
        finger.fill(page)
        if finger.button(page).count() and finger.button(page).get_attribute("aria-disabled") is None:
            finger.press(page)


Way = Callable[[Finger, Workshop], None]
TWICE: dict[str, Way] = {"double": double, "both": both, "tabs": tabs, "back": back, "hasty": hasty, "plain": double}


@pytest.mark.parametrize("deed", TRIED, ids=[deed.kind for deed in TRIED])
def test_what_is_meant_once_happens_once(deed: Deed, house: Workshop, chromium: Browser, site: str) -> None:
    counts = {}
    for name, way in chosen(deed).items():
        vm = prepared(house, deed)
        before = effects(house)
        with Window(chromium, site, house.cast.alice, scripts=name != "plain") as window:
            way(Finger(window, deed, vm), house)
        house.work_all()
        counts[name] = effects(house) - before

    repeated = sum(max(0, count - counts["once"]) for count in counts.values())
    tried = len(counts) - 1
    add_to_figure("U-04 browser", actions=1, tries=tried, effects=tried * counts["once"], repeated=repeated)
    assert counts == dict.fromkeys(counts, counts["once"])
    assert counts["once"] > 0


def test_a_page_opened_anew_is_a_new_wish(house: Workshop, chromium: Browser, site: str) -> None:
    """Control: rebooted, looked at again, rebooted: that is twice."""
    deed = next(each for each in DEEDS if each.kind == "reboot")
    vm = prepared(house, deed)
    with Window(chromium, site, house.cast.alice) as window:
        for _ in range(2):
            once(Finger(window, deed, vm), house)
            house.work_all()

    assert len(house.cluster.effects("reboot")) == 2


def test_without_scripts_back_and_sent_again_is_asked_about(house: Workshop, chromium: Browser, site: str) -> None:
    deed = next(each for each in DEEDS if each.kind == "reboot")
    vm = prepared(house, deed)
    with Window(chromium, site, house.cast.alice, scripts=False) as window:
        back(Finger(window, deed, vm), house)
        house.work_all()
        assert len(house.cluster.effects("reboot")) == 1
        with window.page.expect_event("load"):
            window.page.click("#again")
    house.work_all()

    assert len(house.cluster.effects("reboot")) == 2


def chosen(deed: Deed) -> dict[str, Way]:
    """The measure and two of the ways, in turn; in a soak, and of what leaves no trace, all of them."""
    turn, names = DEEDS.index(deed) * 2, list(TWICE)
    if not (SOAK or deed.kind in TRACELESS):
        names = [names[(turn + n) % len(names)] for n in range(2)]
    return {"once": once} | {name: TWICE[name] for name in names}


def test_without_the_number_that_is_kept_going_back_repeats(house: Workshop, chromium: Browser, site: str) -> None:
    """Control: the page forgets under which number it was sent."""
    deed = next(each for each in DEEDS if each.kind == "reset")
    vm = prepared(house, deed)
    with Window(chromium, site, house.cast.alice) as window:
        window.page.add_init_script("history.replaceState = () => {};")
        back(Finger(window, deed, vm), house)
    house.work_all()

    assert len(house.cluster.effects("reset")) == 2


def prepared(house: Workshop, deed: Deed) -> VirtualMachine:
    """A machine to which it can be done."""
    form = Form("start" if deed.kind == "create" else deed.kind, "")
    bench: Bench = ready(house, form)
    VirtualMachine.objects.filter(pk=bench.vm.pk).update(
        lease_until=timezone.now() + timedelta(days=2), last_seen=timezone.now() + timedelta(hours=1)
    )
    return bench.row


def effects(house: Workshop) -> int:
    """What happened to machines in the cluster, to leases, and to what lies in the trash."""
    ends = ["vm.renewed", "vm.trash.succeeded", "vm.restore.succeeded"]
    return len(house.cluster.effects()) + AuditEvent.objects.filter(verb__in=ends).count()
