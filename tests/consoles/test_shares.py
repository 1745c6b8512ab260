"""A shared console: bound to one guest, and over with its maker's right."""

import re
import threading
import uuid
from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Pool, PoolMembership, User
from accounts.roles import Role
from consoles import shares
from consoles.authority import settle
from consoles.models import ConsoleGrant, ConsoleShare
from tests.cast import make_cast, person
from tests.consoles.sharing import Shared, change, shared
from tests.consoles.test_grants import AT_ONCE, at_once
from tests.factories import make_vm
from tests.figures import add_to_figure, figure, scaled
from tests.sign_in import sign_in
from vms.models import VirtualMachine
from vms.operations import Refusal
from vms.states import Lifecycle, Power

__all__ = ["shared"]


WRONG: dict[str, Callable[[Shared], object]] = {
    "expired": lambda s: ConsoleShare.objects.update(expires_at=timezone.now()),
    "revoked": lambda s: shares.revoke(ConsoleShare.objects.get(), s.cast.carol, address="", now=timezone.now()),
    "maker lowered to viewer": lambda s: PoolMembership.objects.filter(user=s.cast.carol).update(role=Role.VIEWER),
    "maker taken out": lambda s: PoolMembership.objects.filter(user=s.cast.carol).delete(),
    "maker deactivated": lambda s: change(User, s.cast.carol.pk, is_active=False),
    "maker locked": lambda s: change(User, s.cast.carol.pk, locked_at=timezone.now(), lock_reason="Why."),
    "maker left": lambda s: change(User, s.cast.carol.pk, departed_at=timezone.now()),
    "guest left": lambda s: change(User, s.cast.bob.pk, departed_at=timezone.now()),
    "guest locked": lambda s: change(User, s.cast.bob.pk, locked_at=timezone.now(), lock_reason="Why."),
    "guest deactivated": lambda s: change(User, s.cast.bob.pk, is_active=False),
    "guest signed out": lambda s: s.bob.logout(),
    "machine moved": lambda s: change(VirtualMachine, s.vm.pk, pool=s.cast.alices),
    "machine replaced": lambda s: change(VirtualMachine, s.vm.pk, smbios_uuid=uuid.uuid4()),
    "machine locked": lambda s: change(VirtualMachine, s.vm.pk, locked_at=timezone.now(), lock_reason="Why."),
    "machine in the trash": lambda s: change(VirtualMachine, s.vm.pk, trashed_at=timezone.now()),
    "machine gone": lambda s: change(VirtualMachine, s.vm.pk, lifecycle=Lifecycle.GONE),
    "machine out of every pool": lambda s: change(VirtualMachine, s.vm.pk, pool=None),
    "pool unbound": lambda s: change(Pool, s.cast.shared.pk, proxmox_poolid=None),
}
#: For these the guest's own session is over: who asks is sent to sign in, which is no opening.
SIGNED_OUT = {"guest locked", "guest deactivated", "guest signed out"}


@pytest.mark.parametrize("state", ["free", "named", "taken"])
@pytest.mark.parametrize("cause", WRONG)
def test_a_link_that_is_over_opens_nothing(shared: Shared, cause: str, state: str) -> None:
    ref = shared.make(guest="bob" if state == "named" else "")
    share = shared.take(ref) if state == "taken" else ConsoleShare.objects.get()
    before = shared.bob.post(f"/consoles/guest/{share.pk}/grant")
    token = before.json().get("grant", "")
    WRONG[cause](shared)

    uses = shared.uses(shared.bob, ref, token)

    if cause in SIGNED_OUT:
        uses = {way: opened for way, opened in uses.items() if way in {"socket", "grant"}}
    opened = [way for way, is_open in uses.items() if is_open]
    add_to_figure("share", uses=len(uses), wrong=len(uses), opened=len(opened))
    assert (opened, bool(token)) == ([], state == "taken")


def test_without_reading_the_right_again_it_would_open(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: what the makers of links lose counts by one function alone."""
    ref = shared.make()
    token = shared.bob.post(f"/consoles/guest/{shared.take(ref).pk}/grant").json()["grant"]
    WRONG["maker lowered to viewer"](shared)
    monkeypatch.setattr(shares, "_holds", lambda *_: True)

    assert all(shared.uses(shared.bob, ref, token).values())


@pytest.mark.parametrize("name", ["alice", "carol", "rita", "dave"])
def test_a_link_that_bob_took_is_nothing_to_anybody_else(shared: Shared, name: str) -> None:
    ref = shared.make()
    shared.take(ref)
    other = person("dave") if name == "dave" else getattr(shared.cast, name)

    uses = shared.uses(sign_in(Client(), other), ref, "")

    add_to_figure("share", uses=len(uses), wrong=len(uses), opened=sum(uses.values()))
    assert not any(uses.values())


def test_a_named_link_is_nothing_to_others_before_its_guest_takes_it(shared: Shared) -> None:
    ref = shared.make(guest="BOB")

    uses = shared.uses(sign_in(Client(), shared.cast.alice), ref, "")

    add_to_figure("share", uses=len(uses), wrong=len(uses), opened=sum(uses.values()))
    assert not any(uses.values())
    assert shared.take(ref).guest == shared.cast.bob


@pytest.mark.parametrize(("typed", "guest"), [("bob", "bob"), ("Bob", "Bob"), ("BOB", "")])
def test_of_two_names_alike_but_for_capitals_the_letter_decides(shared: Shared, typed: str, guest: str) -> None:
    person("Bob")

    if not guest:
        with pytest.raises(Refusal, match="Nobody called BOB"):
            shared.make(guest=typed)
        return
    shared.make(guest=typed)
    found = ConsoleShare.objects.get().guest
    assert found is not None
    assert found.username == guest


def test_a_grant_of_the_guest_is_for_the_session_that_asked(shared: Shared) -> None:
    share = shared.take(shared.make())
    token = shared.bob.post(f"/consoles/guest/{share.pk}/grant").json()["grant"]
    other = sign_in(Client(), shared.cast.bob).session.session_key or ""

    assert settle(other, token, shared.vm.pk, timezone.now()) is None


@pytest.mark.parametrize("may_control", [False, True])
def test_a_link_opens_the_screen_for_its_guest_though_its_maker_signed_out(shared: Shared, may_control: bool) -> None:
    carol = sign_in(Client(), shared.cast.carol)
    ref = shared.make(may_control=may_control)
    carol.logout()
    share = shared.take(ref)

    answer = shared.bob.post(f"/consoles/guest/{share.pk}/grant").json()
    uses = shared.uses(shared.bob, ref, answer["grant"])

    add_to_figure("share", uses=len(uses), wrong=0, opened=0)
    assert all(uses.values())
    assert (answer["view_only"], answer["url"]) == (not may_control, f"/ws/console/{shared.vm.pk}/")
    assert ConsoleGrant.objects.filter(share=share, role="guest").count() == 2


def test_looking_at_a_link_changes_nothing(shared: Shared) -> None:
    ref = shared.make()
    before = list(ConsoleShare.objects.values()), AuditEvent.objects.count()

    page = shared.bob.get(f"/consoles/shared/{ref}/")

    assert page.status_code == 200
    assert "carol shares a screen with you" in page.content.decode()
    assert (list(ConsoleShare.objects.values()), AuditEvent.objects.count()) == before


def test_who_is_not_signed_in_comes_back_to_the_link_afterwards(shared: Shared) -> None:
    ref = shared.make()

    answer = Client().get(f"/consoles/shared/{ref}/")

    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next=/consoles/shared/{ref}/")


def test_foreign_over_and_missing_links_are_answered_alike(shared: Shared) -> None:
    over, foreign = shared.make(), shared.make(guest="alice")
    shares.revoke(ConsoleShare.objects.last(), shared.cast.carol, address="", now=timezone.now())  # type: ignore[arg-type]
    numbers = [ConsoleShare.objects.get(guest=shared.cast.alice).pk, 987_654, 2**70]

    addresses = [f"shared/{ref}" for ref in (over, foreign, "nothing")] + [f"guest/{number}" for number in numbers]
    answers = [shared.bob.get(f"/consoles/{address}/") for address in addresses]

    token = re.compile(r'(csrfmiddlewaretoken" value|csrf-token" content|data-csrf)="[^"]+"')
    assert {answer.status_code for answer in answers} == {404}
    assert len({token.sub("", answer.content.decode()) for answer in answers}) == 1
    assert shares.OVER in answers[0].content.decode()


def test_the_guest_gets_the_screen_and_nothing_else_of_the_machine(shared: Shared) -> None:
    share = shared.take(shared.make())

    page = shared.bob.get(f"/consoles/guest/{share.pk}/")

    panel = page.content.decode().split('<main id="main"')[1]
    assert f'data-grant-url="/consoles/guest/{share.pk}/grant"' in panel
    assert ("no-store" in page["Cache-Control"], f"/vms/{shared.vm.pk}/" in panel) == (True, False)
    assert shared.bob.get(f"/vms/{shared.vm.pk}/").status_code == 404
    assert shared.bob.get(f"/vms/{shared.vm.pk}/console/share/").status_code == 404


def test_of_64_who_open_a_link_at_once_exactly_one_gets_it(transactional_db: None) -> None:
    rounds, won = scaled(2, 50), []
    cast = make_cast()
    vm = make_vm(cast.alices, power=Power.RUNNING)
    people = [person(f"guest-{number}") for number in range(AT_ONCE)]
    for _ in range(rounds):
        now, left = timezone.now(), list(people)
        ref = shares.make(cast.alice, vm, minutes=5, now=now)
        won.append(at_once(lambda r=ref, p=left, n=now: bool(shares.take(r, p.pop(), address="", now=n))))  # type: ignore[misc]
        ConsoleShare.objects.update(revoked_at=now)

    figure("share", "rounds", rounds, "at_once", AT_ONCE, "bound", sum(won), "most_in_a_round", max(won))
    assert won == [1] * rounds
    assert AuditEvent.objects.filter(verb="console.share_taken").count() == rounds


def test_reading_and_then_binding_lets_more_in(transactional_db: None) -> None:
    """Control: without the conditional update."""
    cast = make_cast()
    shares.make(cast.alice, make_vm(cast.alices), minutes=5, now=timezone.now())
    read, people = threading.Barrier(AT_ONCE), [person(f"guest-{number}") for number in range(AT_ONCE)]

    def read_then_bind() -> bool:
        share, guest = ConsoleShare.objects.get(), people.pop()
        read.wait(60)
        if share.guest_id is not None:
            return False
        share.guest = guest
        share.save(update_fields=["guest"])
        return True

    bound = at_once(read_then_bind)

    figure("share", "control", "at_once", AT_ONCE, "bound", bound)
    assert bound > 1
