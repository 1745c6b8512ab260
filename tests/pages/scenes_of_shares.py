"""Page states of a shared console: its maker's pages and its guest's."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page

from consoles import shares
from tests.cast import Cast
from tests.factories import make_reading, make_vm
from tests.pages.states import PageState


def sharing(cast: Cast) -> list[PageState]:
    """Links to a machine of a shared pool: carol's, one of them taken by bob; alice manages the pool."""
    make_reading(timezone.now() + timedelta(hours=1))
    vm = make_vm(cast.shared, "ctf-box", last_seen=timezone.now() + timedelta(hours=1))
    refs = [link(cast, vm, guest=guest, may_control=bool(guest)) for guest in ("bob", "")]
    taken = shares.take(refs[0], cast.bob, address="", now=timezone.now())
    assert taken is not None
    at = f"/vms/{vm.pk}/console/"
    return [
        PageState("share-made", cast.carol, f"{at}share/", make),
        PageState("share-wrong", cast.carol, f"{at}share/", make_wrong),
        PageState("share-dialog", cast.carol, at, open_dialog),
        PageState("share-asked", cast.bob, f"/consoles/shared/{refs[1]}/"),
        PageState("share-guest", cast.bob, f"/consoles/guest/{taken.pk}/"),
        PageState("share-over", cast.bob, "/consoles/shared/nothing/"),
    ]


def link(cast: Cast, vm: object, **wanted: object) -> str:
    """One of carol's for eight hours."""
    return shares.make(cast.carol, vm, minutes=480, now=timezone.now(), **wanted)  # type: ignore[arg-type]


def make(page: Page) -> None:
    """Sends the form."""
    page.click("[data-share-form] .btn-primary")


def make_wrong(page: Page) -> None:
    """Sends it with too many minutes and nobody's name."""
    page.fill("#share_guest", "nobody")
    page.fill("#share_minutes", "4800")
    page.click("[data-share-form] .btn-primary")


def open_dialog(page: Page) -> None:
    """Presses Share in the console's bar, then makes a link there."""
    page.click("[data-share-open]")
    page.click("[data-share-dialog] [data-share-form] .btn-primary")
    page.wait_for_selector("[data-share-dialog] [data-share-link]")
