"""How a console is shared: who may, the form that shows the link once, revoking, and what is kept of it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, PoolMembership, User
from accounts.roles import Role
from consoles import shares
from consoles.models import ConsoleShare
from consoles.tasks import prune_grants
from tests.cast import person
from tests.consoles.sharing import Shared, change, shared
from tests.sign_in import sign_in
from vms.form_keys import new_key
from vms.models import VirtualMachine
from vms.operations import Refusal

__all__ = ["shared"]


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
