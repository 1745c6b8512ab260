"""Page states of people: what RTPs see of them, the fresh proof, viewing as a member."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page

from accounts import audit
from accounts.alarms import raise_alarm
from accounts.models import DirectoryGroup, DirectoryMembership, SpentToken, SshKey, User
from accounts.roles import AccountKind
from tests.accounts.proof.browser import code
from tests.cast import PASSWORD, Cast
from tests.factories import make_reading, make_vm
from tests.pages.states import PageState
from vms.states import Power


def people(cast: Cast) -> list[PageState]:
    """A house of people in every standing, and the way to a proof and back."""
    now = timezone.now()
    make_reading(now + timedelta(hours=1))
    make_vm(cast.alices, "web-01", power=Power.RUNNING, last_seen=now + timedelta(hours=1), cores=2, memory_mib=2048)
    _known_to_the_house(cast.alice)
    User.objects.filter(pk=cast.bob.pk).update(
        locked_at=now, locked_by=cast.rita, lock_reason="Mines coins on pve1 since Monday, and does not answer."
    )
    until = now + timedelta(days=7)
    User.objects.filter(pk=cast.carol.pk).update(departed_at=now, run_on_until=until, kind=AccountKind.HOUSE)
    User.objects.create_user("glass-1", password=PASSWORD, is_rtp=True, is_break_glass=True)
    audit.record(actor=cast.rita, verb="person.lock", target_kind="user", target_id=cast.bob.pk, target_name="bob",
                 address="192.0.2.7", reason="Mines coins on pve1 since Monday, and does not answer.")  # fmt: skip
    raise_alarm("break_glass", "1", "glass-1 signed in by break-glass from 192.0.2.99.")
    alice = f"/rtp/people/{cast.alice.pk}/"
    return [
        PageState("people", cast.rita, "/rtp/people/"),
        PageState("people-nobody", cast.rita, "/rtp/people/?q=zzz"),
        PageState("person", cast.rita, alice),
        PageState("person-locked", cast.rita, f"/rtp/people/{cast.bob.pk}/"),
        PageState("person-departed", cast.rita, f"/rtp/people/{cast.carol.pk}/"),
        PageState("proof", cast.rita, alice, lock("Runs an open relay.")),
        PageState("proof-wrong", cast.rita, "/accounts/proof/", press("It is me")),
        PageState("proof-done", cast.rita, alice, then(lock("Runs an open relay."), prove)),
        PageState("person-lock-wrong", cast.rita, alice, lock("   ")),
        PageState("view-as", cast.rita, alice, press("View as alice")),
        PageState("view-as-refused", cast.rita, "/accounts/"),
    ]


def then(*steps: Callable[[Page], None]) -> Callable[[Page], None]:
    """One after the other."""

    def run(page: Page) -> None:
        for step in steps:
            step(page)

    return run


def press(name: str) -> Callable[[Page], None]:
    """A button, as somebody without the browser's own checks."""

    def run(page: Page) -> None:
        page.eval_on_selector_all("main form", "forms => forms.forEach(form => { form.noValidate = true; })")
        with page.expect_navigation():
            page.get_by_role("button", name=name, exact=True).click()

    return run


def lock(reason: str) -> Callable[[Page], None]:
    """Locks alice for a reason."""

    def run(page: Page) -> None:
        page.fill("#reason", reason)
        press("Lock alice")(page)

    return run


def prove(page: Page) -> None:
    """Types password and code."""
    SpentToken.objects.all().delete()  # the code is the same in the next window
    page.fill("#id_password", PASSWORD)
    page.fill("#id_code", code())
    press("It is me")(page)


def _known_to_the_house(person: User) -> None:
    User.objects.filter(pk=person.pk).update(
        kind=AccountKind.HOUSE, first_name="Alice Margarethe Liddell-Hargreaves", ldap_uid="alice"
    )
    for name in ("active", "current_student", "drink-admins"):
        group = DirectoryGroup.objects.create(name=name, seen_at=timezone.now())
        DirectoryMembership.objects.create(user=person, group=group)
    body = "SHA256:uNiVztksCsDhcc0u9e8BrPJ0TQuVZ3NCvW2BqfxxxxI"
    SshKey.objects.create(user=person, public_key="ssh-ed25519 AAAA x", fingerprint=body, comment="alice@laptop")
