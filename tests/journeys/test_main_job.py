"""C-01: a member signs in, creates a machine, and types at it; a real guest tells what it read."""

import random
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.children import wait_until
from tests.figures import figure, scaled
from tests.journeys.demo_house import DemoHouse
from tests.pages.window import Window

pytestmark = [pytest.mark.browser, pytest.mark.qemu, pytest.mark.slow, pytest.mark.timeout(900)]
LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0mAd4S7bc3gkk3Lr0W7k1gMFZVJPK8kTzGpoQvEBqW alice@laptop"
BOOT_S, WORK_MS = 180.0, 150_000


def sign_in(window: Window, house: DemoHouse, name: str) -> Page:
    page = window.page
    page.goto(house.site + "/")
    page.fill("#id_login", name)
    page.fill("#id_password", house.sign_ins[name])
    page.click("main form button")
    expect(page.locator("h1")).to_be_visible()
    return page


def create(page: Page, name: str, system: str) -> None:
    """From the list to the console that opens by itself."""
    page.click("#create")
    page.fill("#id_name", name)
    page.locator("label.choice", has_text=system).first.click()
    if page.locator("#id_public_key").is_visible():
        page.fill("#id_public_key", KEY)
    page.click("#submit")
    page.wait_for_url("**/console/?made=1", timeout=WORK_MS)


def type_and_read_back(page: Page, house: DemoHouse, name: str, text: str) -> bool:
    """Types a line at the console and waits for the guest to repeat it on its serial line."""
    expect(page.locator("[data-console-state]")).to_have_text(re.compile("^Connected"), timeout=WORK_MS)
    wait_until(lambda: "small-linux is up" in house.serial(name), what=f"{name} to boot", deadline_s=BOOT_S)
    page.locator("[data-console-screen] canvas").click()
    page.keyboard.type(text, delay=40)
    page.keyboard.press("Enter")
    wait_until(lambda: f"typed: {text}" in house.serial(name), what=f"{name} to read the line", deadline_s=30)
    return True


def press(page: Page, verb: str) -> None:
    """An action of the machine's page, and its confirmation where it asks back."""
    page.get_by_role("button", name=verb, exact=True).first.click()


def test_c01_what_is_typed_in_the_page_is_read_by_the_guest(house: DemoHouse, chromium: Browser) -> None:
    rounds, draw = scaled(5, 20), random.Random(20)
    read = 0
    for n in range(rounds):
        name, text = f"typed-{n}", "".join(draw.choices(LETTERS, k=12))
        with Window(chromium, house.site) as window:
            page = sign_in(window, house, "alice")
            create(page, name, "small-linux" if n % 2 else "small-linux.iso")
            read += type_and_read_back(page, house, name, text)
            stop_and_delete(page, house, name)
            assert window.complaints == []

    figure("C-01", "rounds", rounds, "read", read)
    assert read == rounds


def stop_and_delete(page: Page, house: DemoHouse, name: str) -> None:
    """Off by force, then gone, as the member is told and as the cluster says."""
    number = re.search(r"/vms/(\d+)/", page.url)
    assert number
    for verb, word in (("stop", "Stopped"), ("delete", "Deleted")):
        page.goto(f"{house.site}/vms/{number[1]}/actions/{verb}/")
        if page.locator("#id_name").count():
            page.fill("#id_name", name)
        page.click("main form button")
        expect(page.locator("#vm-head .state").first).to_have_text(word, timeout=WORK_MS)
    assert house.guest(name) is None


def test_alice_shuts_down_starts_and_reaches_her_machine_again(house: DemoHouse, chromium: Browser) -> None:
    with Window(chromium, house.site) as window:
        page = sign_in(window, house, "alice")
        page.click("text=wiki >> nth=0")
        wait_until(lambda: "small-linux is up" in house.serial("wiki"), what="wiki to boot", deadline_s=BOOT_S)
        press(page, "Shut down")
        expect(page.locator("#vm-head .state").first).to_have_text("Stopped", timeout=90_000)
        press(page, "Start")
        expect(page.locator("#vm-head .state").first).to_have_text("Running", timeout=WORK_MS)
        assert window.complaints == []
    assert (house.guest("wiki") or {})["status"] == "running"


def test_bob_sees_nothing_of_hers_and_rita_sees_all(house: DemoHouse, chromium: Browser) -> None:
    with Window(chromium, house.site) as window:
        page = sign_in(window, house, "bob")
        assert "wiki" not in page.content()
    with Window(chromium, house.site) as window:
        page = sign_in(window, house, "rita")
        page.goto(house.site + "/rtp/vms/")
        text = page.locator("main").inner_text()

    assert [name in text for name in ("wiki", "build-box", "scoreboard")] == [True, True, True]
