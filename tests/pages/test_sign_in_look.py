"""U-21, U-23 for the pages of sign-in, passwords and second factors; some need a house that is configured."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page

from accounts import local_views
from tests.accounts.local.house import come_in
from tests.cast import FACTOR_SECRET, PASSWORD, Cast, make_cast, person
from tests.figures import SOAK, figure
from tests.pages.states import PageState
from tests.pages.test_look import ALL_VIEWS, VIEWS, judged, shoot, visit
from tests.pages.window import Window

pytestmark = pytest.mark.browser
SIGN_IN = "/accounts/login/"
#: The colour behind a picture as the browser paints it, whatever notation the style sheet uses.
BEHIND = """picture => {
  const brush = new OffscreenCanvas(1, 1).getContext("2d");
  brush.fillStyle = getComputedStyle(picture).backgroundColor;
  brush.fillRect(0, 0, 1, 1);
  return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """The four people, in a database that the server's thread reads."""
    return make_cast()


def enter(name: str, password: str = PASSWORD) -> Callable[[Page], None]:
    """Signs in by the local form."""

    def fill(page: Page) -> None:
        page.fill("#id_login", name)
        page.fill("#id_password", password)
        page.click("form:has(#id_password) button")

    return fill


def prove(page: Page) -> None:
    """The password once more."""
    page.fill("#id_password", PASSWORD)
    page.click("main form button")


def read_the_picture(page: Page) -> None:
    """Proves first; then a telephone must tell the dark squares from what is behind them, in the dark as well."""
    prove(page)
    assert page.locator("main img").evaluate(BEHIND) == [255, 255, 255]


def wrong_code(page: Page) -> None:
    """A code that is none, and two passwords that differ."""
    page.fill("#id_code", "2345-6789-ABCD")
    page.fill("#id_password1", "a quite different long sentence")
    page.fill("#id_password2", "a quite different long sentence")
    page.click("main form button")


def send(page: Page) -> None:
    """Sends the form as it is."""
    page.click("main form button")


def local_pages(cast: Cast) -> list[PageState]:
    """Pages of people with local accounts."""
    ruth = person("ruth", is_rtp=True)
    Authenticator.objects.filter(user=ruth).delete()
    TOTP.activate(cast.alice, FACTOR_SECRET)
    RecoveryCodes.activate(cast.alice)
    for name in ("Master key", "The blue one with a long name that somebody typed"):
        Authenticator.objects.create(user=cast.alice, type="webauthn", data={"name": name, "credential": {}})
    for browser in ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "curl/8.5"):
        come_in("bob", client=Client(headers={"User-Agent": browser}))
    key = Authenticator.objects.filter(user=cast.alice, type="webauthn")[0].pk
    factors = "/accounts/2fa/"
    return [
        PageState("factors-must", ruth, factors),
        PageState("factor-app", ruth, f"{factors}totp/activate/", read_the_picture),
        PageState("factor-prove", cast.bob, f"{factors}totp/activate/"),
        PageState("factor-passkey-at-an-address", ruth, f"{factors}webauthn/add/"),
        PageState("factors-all", cast.alice, factors),
        PageState("passkeys", cast.alice, f"{factors}webauthn/"),
        PageState("recovery-codes", cast.alice, f"{factors}recovery-codes/", prove),
        PageState("recovery-codes-new", cast.alice, f"{factors}recovery-codes/generate/"),
        PageState("passkey-rename", cast.alice, f"{factors}webauthn/keys/{key}/edit/"),
        PageState("passkey-remove", cast.alice, f"{factors}webauthn/keys/{key}/remove/"),
        PageState("app-off", cast.alice, f"{factors}totp/deactivate/"),
        PageState("prove-by-code", cast.alice, f"{factors}reauthenticate/"),
        PageState("app-off-refused", cast.rita, f"{factors}totp/deactivate/", prove),
        PageState("sessions-of-two-browsers", cast.bob, "/accounts/sessions/"),
        PageState("reset", None, "/accounts/password/reset/"),
        PageState("reset-empty", None, "/accounts/password/reset/", send),
        PageState("reset-code", None, "/accounts/password/reset/somewhere/"),
        PageState("break-glass", None, "/accounts/break-glass/somewhere/"),
        PageState("break-glass-wrong", None, "/accounts/break-glass/somewhere/", wrong_code),
        PageState("sign-in-why", None, f"{SIGN_IN}?why=taken"),
        PageState("sign-in-code", None, SIGN_IN, enter("rita")),
    ]


def broken(window: Window) -> list[str]:
    """An error page would please the other judges."""
    return ["an error page"] if window.page.title().startswith("Something broke") else []


def judge(states: list[PageState], chromium: Browser, site: str) -> Counter[str]:
    """Every state in one view, under soak in each: how many were judged; fails with all that is wrong."""
    wrong: list[str] = []
    counted: Counter[str] = Counter()
    for number, (size, theme) in enumerate(ALL_VIEWS if SOAK else VIEWS):
        looked_at = states if SOAK else states[number :: len(VIEWS)]
        for who in dict.fromkeys(state.who for state in looked_at):
            with Window(chromium, site, who, size=size, theme=theme) as window:
                for state in (one for one in looked_at if one.who == who):
                    visit(window, state)
                    shoot(window, f"{state.name}-{size[0]}-{theme}")
                    found = judged(window) | {"status": broken(window)}
                    wrong += [f"{state.name} {size[0]} {theme} {k}: {line}" for k in found for line in found[k]]
                    counted.update(found.keys())
    assert not wrong, "\n".join(wrong)
    return counted


def test_pages_of_local_accounts_are_usable_by_everybody(cast: Cast, chromium: Browser, site: str) -> None:
    counted = judge(local_pages(cast), chromium, site)

    figure("U-21", "local_accounts", "axe runs", counted["axe"], "violations", 0)
    figure("U-23", "local_accounts", "geometry runs", counted["geometry"], "flaws", 0)


@pytest.fixture(params=[True, False], ids=["answers", "down"])
def answers(request: pytest.FixtureRequest, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A house whose provider answers, or does not."""
    settings.OIDC_ISSUER = "https://sso.example.org"
    since = timezone.now() - timedelta(minutes=4)
    monkeypatch.setattr(local_views, "house_sign_in_state", lambda: (request.param, since))
    return bool(request.param)


def test_the_sign_in_page_of_a_house_is_usable_by_everybody(
    answers: bool, cast: Cast, chromium: Browser, site: str
) -> None:
    name = "house" if answers else "house-down"
    unfold = (lambda page: page.click("summary")) if answers else None
    states = [PageState(f"sign-in-{name}", None, SIGN_IN), PageState(f"sign-in-{name}-open", None, SIGN_IN, unfold)]

    judge([*states, PageState(f"sign-in-{name}-ended", None, f"{SIGN_IN}?why=ended")], chromium, site)
