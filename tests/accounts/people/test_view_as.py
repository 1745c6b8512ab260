"""An RTP looks with a member's eyes: only looking, only for a while, and it is written down."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEvent, SshKey, User
from accounts.view_as import SESSION_KEY
from consoles.models import ConsoleGrant
from tests.access.addresses import addresses
from tests.access.people import World, make_world
from tests.cast import Cast
from tests.factories import make_vm
from tests.figures import figure
from tests.sign_in import sign_in
from vms.models import Operation
from vms.states import Power


def view(client: Client, person: User) -> Client:
    """Begins to look with this person's eyes."""
    client.post(f"/rtp/people/{person.pk}/view/")
    return client


def viewing(cast: Cast) -> Client:
    """Rita, who looks with alice's eyes."""
    return view(sign_in(Client(), cast.rita), cast.alice)


def test_the_rtp_sees_what_the_member_sees_and_a_banner(cast: Cast) -> None:
    make_vm(cast.alices, "web-01")
    make_vm(cast.bobs, "bobs-box")
    rita = viewing(cast)

    page = rita.get("/").content.decode()

    assert "rita, you see what alice sees." in page
    assert ("web-01" in page, "bobs-box" in page, "All VMs" in page) == (True, False, False)
    assert rita.get(f"/vms/{make_vm(cast.bobs).pk}/").status_code == 404
    assert "you see what alice sees" not in sign_in(Client(), cast.alice).get("/").content.decode()


def test_parts_of_pages_go_on_asking(cast: Cast) -> None:
    make_vm(cast.alices, "web-01")

    answer = viewing(cast).get("/", headers={"HX-Request": "true"})

    assert (answer.status_code, "web-01" in answer.content.decode()) == (200, True)


def test_stopping_ends_it_and_both_ends_are_written_down(cast: Cast) -> None:
    rita = viewing(cast)
    assert rita.get("/rtp/vms/").status_code == 403

    assert rita.post("/rtp/people/stop-viewing/").headers["Location"] == f"/rtp/people/{cast.alice.pk}/"

    assert rita.get("/rtp/vms/").status_code == 200
    events = AuditEvent.objects.filter(verb__startswith="person.view").order_by("pk")
    assert [(e.verb, e.actor_name, e.target_name) for e in events] == [
        ("person.view_begin", "rita", "alice"),
        ("person.view_end", "rita", "alice"),
    ]


def test_no_console_and_no_key_is_reached(cast: Cast) -> None:
    SshKey.objects.create(
        user=cast.alice, public_key="ssh-ed25519 AAAA x", fingerprint="SHA256:canary", comment="canary"
    )
    vm = make_vm(cast.alices, power=Power.RUNNING)
    rita = viewing(cast)

    grant = rita.post(f"/vms/{vm.pk}/console/grant", headers={"Accept": "application/json"})
    pages = [rita.get(path) for path in (f"/vms/{vm.pk}/console/", "/vms/new/", "/accounts/", "/accounts/2fa/")]

    assert (grant.status_code, "grant" in grant.json(), ConsoleGrant.objects.count()) == (403, False, 0)
    assert [page.status_code for page in pages] == [403] * 4
    assert not any("canary" in page.content.decode() for page in pages)
    assert all("You look with alice&#x27;s eyes" in page.content.decode() for page in pages)


def test_nothing_that_changes_anything_is_taken(db: None) -> None:
    """Every address that takes more than looking, by every method, refuses."""
    world: World = make_world()
    rita, alice = world.people["rita"], world.people["alice"]
    assert rita is not None
    assert alice is not None
    client = view(sign_in(Client(raise_request_exception=False), rita), alice)
    stops = {"people:view_end", "account_logout"}
    wanted = [a.path for a in addresses(world) if a.name not in stops and a.thing != "absent"]
    before, key = Operation.objects.count(), "0123456789abcdef0123456789abcdef"

    answers = [client.post(path, {"key": key, "confirm": "yes", "reason": "x"}).status_code for path in wanted]

    figure("view as", "urls", len(answers), "refused", sum(status in {403, 404, 405} for status in answers))
    assert len(answers) >= 100
    assert set(answers) <= {403, 404}
    assert Operation.objects.count() == before
    assert SESSION_KEY in client.session


def test_signing_out_ends_the_rtps_session_and_not_the_members(cast: Cast) -> None:
    alice, rita = sign_in(Client(), cast.alice), viewing(cast)

    rita.post("/accounts/logout/")

    assert alice.get("/").status_code == 200
    assert rita.get("/").headers["Location"].startswith("/accounts/login/")
    assert AuditEvent.objects.get(verb="person.view_end").detail == {"why": "signed out"}


def test_it_ends_by_itself_with_the_time_and_with_the_role(cast: Cast, settings: Settings) -> None:
    late, demoted = viewing(cast), viewing(cast)
    session = late.session
    session[SESSION_KEY] |= {"at": timezone.now().timestamp() - settings.PROOF_S - 1}
    session.save()
    assert late.get("/rtp/vms/").status_code == 200

    User.objects.filter(pk=cast.rita.pk).update(is_rtp=False)
    assert "you see what alice sees" not in demoted.get("/").content.decode()
    assert [e.detail["why"] for e in AuditEvent.objects.filter(verb="person.view_end")] == ["no RTP any more", "time"]


@pytest.mark.parametrize("who", ["rita", "ron", "lou"])
def test_not_with_an_rtps_eyes_nor_of_who_cannot_come_in(cast: Cast, who: str) -> None:
    User.objects.create_user("ron", is_rtp=True)
    User.objects.create_user("lou", locked_at=timezone.now(), lock_reason="x")
    client = view(sign_in(Client(), cast.rita), User.objects.get(username=who))

    assert SESSION_KEY not in client.session
    assert not AuditEvent.objects.exists()


def test_without_a_fresh_proof_it_does_not_begin(cast: Cast) -> None:
    client = view(sign_in(Client(), cast.rita, fresh=False), cast.alice)

    assert SESSION_KEY not in client.session


def test_a_member_cannot_write_themselves_into_it(cast: Cast) -> None:
    """Even a session that says so counts only where its person is an RTP."""
    client = sign_in(Client(), cast.alice)
    session = client.session
    session[SESSION_KEY] = {"viewer": cast.alice.pk, "member": cast.bob.pk, "at": timezone.now().timestamp()}
    session.save()
    make_vm(cast.bobs, "bobs-box")

    assert "bobs-box" not in client.get("/").content.decode()
