"""A person in Chromium who signs in the way the house wants it."""

from collections.abc import Callable

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, expect

from tests.pages.window import Window
from tests.providers.people import HouseAccount

WAIT_MS = 30_000


class HouseWindow(Window):
    """A window whose person may go to the house and come back; what the house's own pages do is the house's."""

    def __init__(self, chromium: Browser, site: str, issuer: str) -> None:
        self.issuer = issuer
        super().__init__(chromium, site)
        self.page.set_default_timeout(WAIT_MS)
        # What only adorns the house's pages costs more time than the way through them.
        self.context.route(issuer + "/static/**", lambda route: route.abort())

    def _request(self, request: Request) -> None:
        if not request.url.startswith(self.issuer):
            super()._request(request)

    def _console(self, message: ConsoleMessage) -> None:
        if not str(message.location["url"]).startswith(self.issuer):
            super()._console(message)

    def _error(self, error: Error) -> None:
        if self.issuer not in (error.stack or ""):
            super()._error(error)

    def sign_in_by_house(self, account: HouseAccount, fill: Callable[[Page, HouseAccount], None]) -> Page:
        """From the portal's first page over the button and the house's form back to the portal."""
        page = self.page
        page.goto(self.site + "/")
        page.click("form[action$='/accounts/house/'] button")
        page.wait_for_url(self.issuer + "/**")
        fill(page, account)
        page.wait_for_url(self.site + "/**")
        assert "/accounts/login/" not in page.url, page.url
        return page

    def sign_out(self, confirm: Callable[[Page], None]) -> None:
        """By the button of the page that is open; the house's session ends with the portal's."""
        self.page.click("button[aria-label='Sign out']")
        confirm(self.page)
        self.page.wait_for_url(self.site + "/accounts/login/**")

    def status(self, path: str) -> int:
        """What the portal answers this person there, without showing it."""
        return self.page.request.get(self.site + path, max_redirects=0).status

    def is_asked_again(self) -> bool:
        """From the sign-in page: true where the button leads to the house's form and not straight in."""
        self.page.click("form[action$='/accounts/house/'] button")
        self.page.wait_for_url(self.issuer + "/**")
        expect(self.page.locator("input[name=login], input[name=password]").first).to_be_visible()
        return True


def fill_oidc_provider(page: Page, account: HouseAccount) -> None:
    """One form with name and password."""
    page.fill("input[name=login]", account.uid)
    page.fill("input[name=password]", account.password)
    page.click("#sign-in")


def fill_canaille(page: Page, account: HouseAccount) -> None:
    """The name, then the password."""
    page.fill("input[name=login]", account.uid)
    page.keyboard.press("Enter")
    prove_to_canaille(page, account)


def prove_to_canaille(page: Page, account: HouseAccount) -> None:
    """Whoever is signed in there is asked for the password only."""
    page.wait_for_url("**/auth/password")
    page.fill("input[name=password]", account.password)
    page.keyboard.press("Enter")
