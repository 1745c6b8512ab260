"""A passkey is added and asked for at the next sign-in, in a real browser with a virtual authenticator."""

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Browser, CDPSession, Page, expect

from accounts.models import AuditEvent
from tests.cast import PASSWORD, Cast, make_cast
from tests.pages.test_look import judged
from tests.pages.window import Window

pytestmark = pytest.mark.browser


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The four people; rita without an app, so that a passkey is her only factor."""
    cast = make_cast()
    Authenticator.objects.all().delete()
    return cast


@pytest.fixture
def named(site: str) -> str:
    """The site by a name: browsers make no passkeys for addresses."""
    return site.replace("127.0.0.1", "localhost")


def plug_in(window: Window) -> CDPSession:
    """A security key that its person touches at once."""
    cdp = window.context.new_cdp_session(window.page)
    cdp.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True,
               "automaticPresenceSimulation": True}  # fmt: skip
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return cdp


def enter(page: Page, site: str) -> None:
    """rita's name and password."""
    page.goto(f"{site}/accounts/login/")
    page.fill("#id_login", "rita")
    page.fill("#id_password", PASSWORD)
    page.click("main form button")


def prove(page: Page) -> None:
    """The password once more."""
    page.fill("#id_password", PASSWORD)
    page.click("main form button")


def test_a_passkey_is_set_up_and_opens_the_door_the_next_time(cast: Cast, chromium: Browser, named: str) -> None:
    with Window(chromium, named) as window:
        page = window.page
        plug_in(window)
        enter(page, named)
        expect(page.get_by_text("An RTP needs a second factor")).to_be_visible()
        page.locator("section", has_text="Passkeys").get_by_role("link", name="Add").click()
        prove(page)
        page.fill("#id_name", "Blue key")
        page.get_by_role("button", name="Add", exact=True).click()
        expect(page.locator("h1")).to_have_text("Recovery codes")
        page.get_by_role("link", name="Go on").click()
        page.get_by_role("button", name="Sign out").click()

        enter(page, named)
        page.get_by_role("button", name="Use a passkey").click()

        page.wait_for_url(f"{named}/")
        assert window.complaints == []
    assert Authenticator.objects.get(type="webauthn").wrap().name == "Blue key"
    assert AuditEvent.objects.filter(verb="factor.added", target_name="Passkey").count() == 1


def test_another_browser_without_the_key_stays_out_and_reads_why(cast: Cast, chromium: Browser, named: str) -> None:
    with Window(chromium, named) as window:
        plug_in(window)
        enter(window.page, named)
        window.page.goto(f"{named}/accounts/2fa/webauthn/add/")
        prove(window.page)
        window.page.get_by_role("button", name="Add", exact=True).click()
        expect(window.page.locator("h1")).to_have_text("Recovery codes")
    with Window(chromium, named) as other:
        plug_in(other)
        enter(other.page, named)
        assert judged(other) == {"axe": [], "geometry": [], "browser": []}
        other.page.get_by_role("button", name="Use a passkey").click()
        expect(other.page.get_by_role("alert")).to_contain_text("Nothing was done", timeout=15_000)
        other.page.goto(f"{named}/rtp/vms/")
        expect(other.page).to_have_url(f"{named}/accounts/2fa/authenticate/")
        assert other.complaints == []


def test_at_a_bare_address_the_page_says_that_browsers_make_none(cast: Cast, chromium: Browser, site: str) -> None:
    with Window(chromium, site) as window:
        enter(window.page, site)

        expect(window.page.get_by_text("Browsers make passkeys for names only")).to_be_visible()
