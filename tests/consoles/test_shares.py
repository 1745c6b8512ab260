"""A shared console: made by whoever controls, bound to one guest, over with its maker's right. Pages and rows."""

import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Pool, PoolMembership, User
from accounts.roles import Role
from consoles import shares
from consoles.authority import settle
from consoles.models import ConsoleGrant, ConsoleShare
from consoles.tasks import prune_grants
from tests.cast import Cast, make_cast, person
from tests.consoles.test_grants import AT_ONCE, at_once
from tests.factories import make_reading, make_vm
from tests.figures import add_to_figure, figure, scaled
from tests.sign_in import sign_in
from vms.form_keys import new_key
from vms.models import VirtualMachine
from vms.operations import Refusal
from vms.states import Lifecycle, Power


@dataclass
class Shared:
    """Carol operates the machine of a shared pool and shares its console; bob is her guest."""

    cast: Cast
    vm: VirtualMachine
    bob: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        sign_in(self.bob, self.cast.bob)

    def make(self, **wanted: Any) -> str:
        """A reference of carol's."""
        known: dict[str, Any] = {"guest": "", "minutes": 15, "now": timezone.now()}
        return shares.make(self.cast.carol, self.vm, **(known | wanted))

    def take(self, ref: str) -> ConsoleShare:
        """Bob presses the button."""
        self.bob.post(f"/consoles/shared/{ref}/")
        return ConsoleShare.objects.get(guest=self.cast.bob)

    def uses(self, client: Client, ref: str, token: str) -> dict[str, bool]:
        """Each way to use it, and whether it opened. `token`: a grant that bob's session got before."""
        share, key = ConsoleShare.objects.get(), client.session.session_key or ""
        settled = settle(key, token, self.vm.pk, timezone.now()) if token else None
        answers = {
            "grant": client.post(f"/consoles/guest/{share.pk}/grant"),
            "page": client.get(f"/consoles/guest/{share.pk}/"),
            "look": client.get(f"/consoles/shared/{ref}/"),
            "take": client.post(f"/consoles/shared/{ref}/"),
        }
        return {"socket": settled is not None} | {way: one.status_code < 400 for way, one in answers.items()}


@pytest.fixture
def shared(cast: Cast) -> Shared:
    """On a cluster read just now."""
    make_reading()
    return Shared(cast, make_vm(cast.shared, "ctf-box", power=Power.RUNNING))


def change(model: Any, pk: object, **columns: object) -> None:
    """Behind everybody's back."""
    model.objects.filter(pk=pk).update(**columns)


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


def test_a_reference_is_256_random_bits_and_only_its_hash_is_kept(shared: Shared) -> None:
    refs = {shared.make() for _ in range(shares.MOST)}

    assert (len(refs), {len(ref) for ref in refs}) == (shares.MOST, {43})
    kept = str(list(ConsoleShare.objects.values_list())) + str(list(AuditEvent.objects.values_list()))
    assert not [ref for ref in refs if ref in kept]


def test_ten_links_of_one_person_to_one_machine_are_enough(shared: Shared) -> None:
    for _ in range(shares.MOST):
        shared.make()

    with pytest.raises(Refusal, match="You have 10 links to this console"):
        shared.make()

    shares.revoke(ConsoleShare.objects.first(), shared.cast.carol, address="", now=timezone.now())  # type: ignore[arg-type]
    assert shared.make()


def test_who_may_not_control_makes_no_link(shared: Shared) -> None:
    PoolMembership.objects.create(pool=shared.cast.shared, user=shared.cast.bob, role=Role.VIEWER)
    share = f"/vms/{shared.vm.pk}/console/share/"

    assert [shared.bob.get(share).status_code, shared.bob.post(share, wish()).status_code] == [403, 403]
    assert "data-share-open" not in shared.bob.get(f"/vms/{shared.vm.pk}/console/").content.decode()
    assert not ConsoleShare.objects.exists()


def wish(**wanted: object) -> dict[str, Any]:
    """What the form sends."""
    return {"guest": "", "may": "look", "minutes": 15, "key": new_key(timezone.now())} | wanted


def carols(shared: Shared, **wanted: object) -> Any:
    """The answer to carol's form."""
    return sign_in(Client(), shared.cast.carol).post(f"/vms/{shared.vm.pk}/console/share/", wish(**wanted))


def test_the_form_shows_the_link_once(shared: Shared) -> None:
    carol = sign_in(Client(), shared.cast.carol)
    page = carol.post(f"/vms/{shared.vm.pk}/console/share/", wish(guest="bob", may="control", minutes=480))

    link = re.search(r"/consoles/shared/([\w-]{43})/", page.content.decode())
    assert link is not None
    share = shares.find(link[1], shared.cast.bob, timezone.now())
    assert share is not None
    assert (share.guest, share.may_control, share.expires_at - share.made_at) == (
        shared.cast.bob, True, timedelta(hours=8))  # fmt: skip
    assert "no-store" in page["Cache-Control"]
    assert link[1] not in carol.get(f"/vms/{shared.vm.pk}/console/share/").content.decode()


def test_a_form_that_is_sent_twice_makes_one_link(shared: Shared) -> None:
    key = new_key(timezone.now())

    first, second = (carols(shared, key=key) for _ in range(2))

    assert (first.status_code, second.status_code, ConsoleShare.objects.count()) == (200, 422, 1)
    assert "This was sent already" in second.content.decode()


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        ({"minutes": 0}, "minutes", "Write a number of minutes from 1 to 480."),
        ({"minutes": 481}, "minutes", "Write a number of minutes from 1 to 480."),
        ({"minutes": "soon"}, "minutes", "Write a number of minutes from 1 to 480."),
        ({"minutes": 10**30}, "minutes", "Write a number of minutes from 1 to 480."),
        ({"guest": "carol"}, "guest", "That is you."),
        ({"guest": "nobody"}, "guest", "Nobody called nobody signs in here."),
        ({"guest": "alice"}, "guest", "Nobody called alice signs in here."),
        ({"guest": "x" * 151}, "guest", "No username here is so long."),
        ({"may": "everything"}, "may", "Choose what your guest may do: look, or use it."),
    ],
)
def test_a_wrong_wish_is_told_beside_its_field_and_stays(
    shared: Shared, wanted: dict[str, Any], field: str, words: str
) -> None:
    change(User, shared.cast.alice.pk, locked_at=timezone.now(), lock_reason="Why.")

    answer = carols(shared, **wanted)

    text = answer.content.decode().replace("&#x27;", "'")
    beside = text.split(f'id="share_{field}_error"')[1].split("</p>")[0]
    assert (answer.status_code, words in beside, ConsoleShare.objects.exists()) == (422, True, False)
    assert field == "may" or f'value="{next(iter(wanted.values()))}"' in text


def test_a_locked_machine_is_not_shared(shared: Shared) -> None:
    change(VirtualMachine, shared.vm.pk, locked_at=timezone.now(), lock_reason="Mining.")

    answer = carols(shared)

    assert (answer.status_code, "An RTP locked this VM: Mining." in answer.content.decode()) == (422, True)


@pytest.mark.parametrize(
    ("name", "status"), [("carol", 302), ("alice", 302), ("rita", 302), ("bob", 404), ("dave", 404)]
)
def test_a_link_is_revoked_by_its_maker_a_manager_or_an_rtp(shared: Shared, name: str, status: int) -> None:
    share = shared.take(shared.make())
    who = person("dave") if name == "dave" else getattr(shared.cast, name)
    PoolMembership.objects.get_or_create(pool=shared.cast.shared, user=who, defaults={"role": Role.OPERATOR})

    answer = sign_in(Client(), who).post(f"/consoles/shares/{share.pk}/revoke/")

    share.refresh_from_db()
    assert (answer.status_code, share.revoked_at is not None) == (status, status == 302)


def test_everybody_who_controls_the_machine_sees_who_has_links(shared: Shared) -> None:
    shared.take(shared.make(may_control=True))

    page = sign_in(Client(), shared.cast.alice).get(f"/vms/{shared.vm.pk}/console/share/").content.decode()

    assert "by carol, opened" in page
    assert "Revoke" in page


def test_each_step_is_in_the_audit(shared: Shared) -> None:
    share = shared.take(shared.make(address="192.0.2.7"))
    shares.note_use(share.pk, shared.cast.bob, 7, "192.0.2.8")
    shares.revoke(share, shared.cast.carol, address="192.0.2.7", now=timezone.now())

    rows = AuditEvent.objects.filter(verb__startswith="console.share").order_by("pk")

    told = [(row.verb.removeprefix("console."), row.actor_name, row.detail["guest"]) for row in rows]
    assert told == [("shared", "carol", ""), ("share_taken", "bob", "bob"), ("share_used", "bob", "bob"),
                    ("share_revoked", "carol", "bob")]  # fmt: skip
    assert {(row.detail["share"], row.detail["maker"], row.machine_uuid) for row in rows} == {
        (share.pk, "carol", str(shared.vm.smbios_uuid))
    }


def test_shares_are_forgotten_a_day_after_their_end(shared: Shared) -> None:
    shared.make()
    now = timezone.now()
    ConsoleShare.objects.update(expires_at=now - timedelta(hours=23))
    prune_grants()
    kept = ConsoleShare.objects.count()
    ConsoleShare.objects.update(expires_at=now - timedelta(hours=25))

    prune_grants()

    assert (kept, ConsoleShare.objects.count()) == (1, 0)
