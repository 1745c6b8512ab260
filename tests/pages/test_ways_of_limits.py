"""Ways of limits in a real browser: an RTP changes one in under five clicks; bob reads why his start was refused."""

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, expect

from accounts.models import User
from accounts.proof import SESSION_KEY
from quotas.limits import limit_of
from quotas.models import Policy
from tests.cast import Cast, make_cast
from tests.factories import make_node, make_reading, make_vm
from tests.figures import figure
from tests.pages.window import Window
from tests.sign_in import sign_in
from vms.states import Power

pytestmark = pytest.mark.browser


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Bob has a machine of four cores that runs, one that does not fit beside it, and a limit of six."""
    cast = make_cast()
    make_reading()
    make_node()
    Policy.objects.create(name="default", is_default=True, cores=6, memory_mib=8192, disk_gib=250)
    make_vm(cast.bobs, "db", cores=4, memory_mib=4096, power=Power.RUNNING)
    make_vm(cast.bobs, "web", cores=4, memory_mib=2048)
    return cast


def proven(window: Window, person: User) -> None:
    """Signs in with a proof of just now."""
    client = sign_in(Client(), person)
    assert SESSION_KEY in client.session
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    window.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": window.site}])


def test_from_home_one_members_limit_is_changed_in_under_five_clicks(cast: Cast, chromium: Browser, site: str) -> None:
    clicks = 0
    with Window(chromium, site) as window:
        proven(window, cast.rita)
        page = window.open("/")
        page.get_by_role("link", name="Pools", exact=True).click()
        clicks += 1
        page.get_by_role("link", name="Limits of bob").click()
        clicks += 1
        page.get_by_label("Cores").fill("12")
        page.get_by_label("Reason").fill("A thesis.")
        page.get_by_role("button", name="Change the limit").click()
        clicks += 1
        expect(page.locator("main")).to_contain_text("The limit of bob is 12 cores now.")
        assert not window.complaints

    assert limit_of(cast.bobs).footprint.cores == 12
    assert clicks < 5
    figure("limit", "clicks", clicks)


def test_bobs_page_alone_says_why_his_start_was_refused(cast: Cast, chromium: Browser, site: str) -> None:
    with Window(chromium, site, cast.bob) as window:
        page = window.open("/")
        page.get_by_role("link", name="web", exact=True).click()
        page.get_by_role("button", name="Start").first.click()
        said = page.locator("main").inner_text()

    wanted = ("web cannot start yet", "needs 4 cores", "2 of 6 are free", "db")
    assert [words for words in wanted if words not in said] == []
