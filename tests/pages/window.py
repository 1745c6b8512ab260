"""One browser window of one person: opens pages, and notes what the browser complains about."""

from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request

from accounts.models import User
from accounts.oidc.backend import NAME as HOUSE
from accounts.roles import AccountKind

PHONE, TABLET, DESKTOP = (360, 780), (820, 1100), (1440, 900)


class Window:
    """A window of a size and colour scheme, signed in as a person (or nobody).

    `complaints` holds every error of the console (a breach of the content security policy is one), every error of a
    script and every request that left the site.
    """

    def __init__(
        self, chromium: Browser, site: str, person: User | None = None, *, size: tuple[int, int] = DESKTOP,
        theme: str = "light", scripts: bool = True, is_phone: bool = False,
    ) -> None:  # fmt: skip
        self.site, self.complaints = site, list[str]()
        self.context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]}, java_script_enabled=scripts,
            color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce",
            has_touch=is_phone, is_mobile=is_phone,
        )  # fmt: skip
        self.page: Page = self.context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", self._error)
        self.page.on("request", self._request)
        if person is not None:
            self.sign_in(person)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.context.close()

    def sign_in(self, person: User) -> None:
        """Puts a session's cookie into the browser."""
        client = Client()
        is_house = person.kind == AccountKind.HOUSE
        client.force_login(person, backend=HOUSE if is_house else settings.AUTHENTICATION_BACKENDS[0])
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": self.site}])

    def open(self, path: str) -> Page:
        """Loads a page of the site and waits for its fonts."""
        self.page.goto(self.site + path)
        self.page.evaluate("() => document.fonts.ready.then(() => true)")
        return self.page

    def _console(self, message: ConsoleMessage) -> None:
        # The status of a page asked for on purpose is no complaint: 403, 404, 422 are pages, too.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _error(self, error: Error) -> None:
        self.complaints.append(str(error))

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.site, "data:", "blob:")):
            self.complaints.append(f"left the site: {request.url}")

    def run(self, script: str, argument: Any = None) -> Any:
        """Evaluates a function in the page by the debugger, which the page's policy does not govern."""
        return self.page.evaluate(script, argument)
