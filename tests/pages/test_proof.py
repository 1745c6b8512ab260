"""The trip to a fresh proof in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from accounts.models import User
from tests.accounts.proof.browser import code
from tests.cast import PASSWORD, Cast, make_cast
from tests.factories import make_reading, make_vm
from tests.pages.window import Window
from vms.states import Power

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


def prove(window: Window) -> None:
    window.page.fill("#id_password", PASSWORD)
    window.page.fill("#id_code", code())
    with window.page.expect_navigation():
        window.page.click("main form button")


def test_a_lock_goes_on_as_it_was_typed_without_scripts(cast: Cast, chromium: Browser, site: str) -> None:
    reason = 'He "mines" <coins> & more'
    with Window(chromium, site, cast.rita, scripts=False) as window:
        page = window.open(f"/rtp/people/{cast.bob.pk}/")
        page.fill("#reason", reason)
        page.get_by_role("button", name="Lock bob").click()
        page.wait_for_url("**/accounts/proof/?form=*")
        prove(window)
        page.get_by_role("button", name="Go on: Lock bob").click()
        page.wait_for_url(f"**/rtp/people/{cast.bob.pk}/")
        assert (reason in page.locator("main").inner_text(), window.complaints) == (True, [])

    assert User.objects.get(pk=cast.bob.pk).lock_reason == reason


def test_the_console_leads_to_the_proof_and_comes_back(cast: Cast, chromium: Browser, site: str) -> None:
    make_reading()
    vm = make_vm(cast.alices, "web-01", power=Power.RUNNING)
    with Window(chromium, site, cast.rita) as window:
        page = window.open(f"/vms/{vm.pk}/console/")
        page.get_by_role("link", name="Show who you are").click()
        page.wait_for_url("**/accounts/proof/?form=*")
        with page.expect_request(f"**/vms/{vm.pk}/console/grant") as asked:
            prove(window)

        assert page.url == f"{site}/vms/{vm.pk}/console/"
        assert "grant" in asked.value.response().json()  # type: ignore[union-attr]  # it was answered
