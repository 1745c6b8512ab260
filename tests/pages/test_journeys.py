"""A member's ways through the pages, with a mouse, with a keyboard, with a nervous finger, without scripts."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from tests.cast import PASSWORD, Cast, make_cast
from tests.factories import make_operation, make_vm
from tests.figures import figure
from tests.pages.scenes import cluster, fresh
from tests.pages.window import Window
from vms.models import Operation, VirtualMachine
from vms.states import Lifecycle, OperationKind, OperationState, Power

pytestmark = pytest.mark.browser
MADE = re.compile(r"/vms/\d+/\?watching=\d+$")
PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0mAd4S7bc3gkk3Lr0W7k1gMFZVJPK8kTzGpoQvEBqW alice@laptop"


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The four people, and a cluster with something to install."""
    cast = make_cast()
    cluster()
    return cast


def finish(operation: Operation, power: Power = Power.RUNNING) -> None:
    """What a worker does at the end."""
    VirtualMachine.objects.filter(pk=operation.vm_id).update(
        lifecycle=Lifecycle.READY, power=power, last_known_power=power, last_seen=fresh()
    )
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.SUCCEEDED, finished_at=timezone.now())


def test_from_the_list_to_the_console_in_two_fields_and_two_clicks(cast: Cast, chromium: Browser, site: str) -> None:
    clicks = fields = 0
    with Window(chromium, site, cast.alice) as window:
        page = window.open("/")
        page.click("#create")
        clicks += 1
        expect(page.locator("#id_name")).to_be_focused()
        page.keyboard.type("web-01")
        page.fill("#id_public_key", PUBLIC)
        fields += 2
        page.click("#submit")
        clicks += 1
        page.wait_for_url(MADE)
        expect(page.locator("h1")).to_have_text("web-01")
        expect(page.locator("#vm-head .state").first).to_have_text("Creating")
        assert page.title().startswith("Creating: web-01")

        finish(Operation.objects.get())

        page.wait_for_url("**/console/?made=1", timeout=10_000)
        assert page.title().startswith("Ready: ")
    assert clicks <= 6
    assert fields <= 4
    figure("create", "clicks", clicks, "fields", fields)


def test_a_nervous_finger_makes_one_machine(cast: Cast, chromium: Browser, site: str) -> None:
    with Window(chromium, site, cast.alice) as window:
        page = window.open("/vms/new/")
        page.fill("#id_name", "web-01")
        page.fill("#id_public_key", PUBLIC)
        page.dblclick("#submit")
        page.wait_for_url(MADE)

    assert VirtualMachine.objects.get().name == "web-01"
    assert Operation.objects.count() == 1


def test_the_page_follows_an_action_to_its_end(cast: Cast, chromium: Browser, site: str) -> None:
    make_vm(cast.alices, "db-test", last_seen=fresh())
    with Window(chromium, site, cast.alice) as window:
        page = window.open("/")
        page.click("summary[aria-label='Actions for db-test']")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.locator("tbody .state")).to_have_text("Starting")

        finish(Operation.objects.get())

        expect(page.locator("tbody .state")).to_have_text("Running", timeout=10_000)
        assert window.complaints == []


def test_an_update_does_not_close_an_open_menu(cast: Cast, chromium: Browser, site: str) -> None:
    vm = make_vm(cast.alices, "web-01", power=Power.RUNNING, last_seen=fresh())
    make_vm(cast.alices, "other", last_seen=fresh())
    make_operation(VirtualMachine.objects.get(name="other"), cast.alice, state=OperationState.SUBMITTED)
    with Window(chromium, site, cast.alice) as window:
        page = window.open("/")
        page.click(f"#act-{vm.pk}")
        with page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true"):
            pass
        expect(page.locator(f"#menu-{vm.pk}")).to_have_attribute("open", "")
        page.keyboard.press("Escape")
        expect(page.locator(f"#menu-{vm.pk}")).not_to_have_attribute("open", "")


def test_the_page_says_when_nothing_answers_and_recovers(cast: Cast, chromium: Browser, site: str) -> None:
    vm = make_vm(cast.alices, "web-01", last_seen=fresh())
    make_operation(vm, cast.alice, state=OperationState.SUBMITTED)
    with Window(chromium, site, cast.alice) as window:
        page = window.open("/")
        stamp = page.locator("[data-live]")
        expect(stamp).to_contain_text("Live · ")

        page.route("**/*", lambda route: route.abort())
        expect(stamp).to_contain_text("Reconnecting…", timeout=20_000)
        page.unroute("**/*")

        expect(stamp).to_contain_text("Live · ", timeout=20_000)
        expect(page.locator("#to-" + str(vm.pk))).to_be_visible()


def test_a_session_that_ends_leads_the_whole_page_to_the_sign_in(cast: Cast, chromium: Browser, site: str) -> None:
    vm = make_vm(cast.alices, "web-01", last_seen=fresh())
    make_operation(vm, cast.alice, state=OperationState.SUBMITTED)
    with Window(chromium, site, cast.alice) as window:
        page = window.open("/")
        window.context.clear_cookies()

        page.wait_for_url("**/accounts/login/?next=/", timeout=20_000)
        expect(page.locator("h1")).to_have_text("Sign in")


def test_light_and_dark_are_remembered_by_the_server(cast: Cast, chromium: Browser, site: str) -> None:
    with Window(chromium, site, cast.alice) as window:
        page = window.open("/")
        light = background(page)
        with page.expect_response("**/accounts/preferences/") as kept:
            page.click("[data-theme-button]")
        dark = background(page)
        page = window.open("/activity/")

        assert light != dark
        assert background(page) == dark
        assert page.locator("html").get_attribute("data-bs-theme") == "dark"
        assert kept.value.status == 204
    with Window(chromium, site, cast.alice) as elsewhere:
        assert background(elsewhere.open("/")) == dark


def background(page: Page) -> str:
    """The page's colour as painted."""
    return str(page.evaluate("() => getComputedStyle(document.body).backgroundColor"))


def test_everything_but_the_console_works_without_scripts(cast: Cast, chromium: Browser, site: str) -> None:
    gone = make_vm(cast.alices, "old", last_seen=fresh())
    with Window(chromium, site, scripts=False) as window:
        page = window.page
        page.goto(site)
        page.fill("#id_login", "alice")
        page.fill("#id_password", PASSWORD)
        page.click("main form button")
        page.click("text=Create VM >> nth=0")
        page.fill("#id_name", "web-01")
        page.fill("#id_public_key", PUBLIC)
        page.click("#submit")
        page.click("text=Refresh to see how far it is")
        expect(page.locator("h1")).to_have_text("web-01")

        page.goto(f"{site}/vms/{gone.pk}/actions/delete/")
        page.fill("#id_name", "old")
        page.click("main form button")
        expect(page.locator("#vm-head .state").first).to_have_text("Deleting")

    kinds = set(Operation.objects.values_list("kind", flat=True))
    assert kinds == {OperationKind.CREATE, OperationKind.DELETE}


def test_a_machine_is_made_by_keyboard_alone(cast: Cast, chromium: Browser, site: str) -> None:
    presses = 0
    with Window(chromium, site, cast.alice) as window:
        page = window.open("/vms/new/")
        expect(page.locator("#id_name")).to_be_focused()
        page.keyboard.type("web-01")
        while page.evaluate("() => document.activeElement.id") != "id_public_key":
            page.keyboard.press("Tab")
            presses += 1
            outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none"
        page.keyboard.insert_text(PUBLIC)
        while page.evaluate("() => document.activeElement.textContent") != "Create VM":
            page.keyboard.press("Tab")
            presses += 1
        page.keyboard.press("Enter")
        page.wait_for_url(MADE)

    assert presses + 1 <= 60
    assert VirtualMachine.objects.get().name == "web-01"
