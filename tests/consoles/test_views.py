"""The page without a secret, and the POST that grants or says why not."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import PoolMembership, User
from accounts.roles import Role
from consoles.authority import settle
from consoles.close_codes import ENDS, NODE_DOWN, NODE_FULL
from consoles.models import ConsoleGrant, ConsoleVisit
from tests.cast import Cast
from tests.consoles.portal import cookie_of
from tests.factories import make_node, make_reading, make_vm
from tests.sign_in import sign_in
from vms.models import VirtualMachine
from vms.states import Lifecycle, Power


def ask(
    user: User | None, vm_id: int, *, enforce: bool = False, **words: str
) -> tuple[int, dict[str, Any], HttpResponse]:
    client = Client(enforce_csrf_checks=enforce)
    if user:
        sign_in(client, user)
    response: Any = client.post(f"/vms/{vm_id}/console/grant", words, headers={"Accept": "application/json"})
    is_json = response["Content-Type"].startswith("application/json")
    return response.status_code, response.json() if is_json else {}, response


def test_a_running_machines_owner_gets_a_grant_that_opens_its_socket(cast: Cast) -> None:
    vm = make_vm(cast.alices, power=Power.RUNNING)
    client = Client()
    client.force_login(cast.alice)

    response = client.post(f"/vms/{vm.pk}/console/grant")

    assert (response.status_code, response.json()["url"]) == (200, f"/ws/console/{vm.pk}/")
    assert "no-store" in response["Cache-Control"]
    key = client.session.session_key or ""
    settled = settle(key, response.json()["grant"], vm.pk, timezone.now())
    assert settled is not None
    assert (settled.user_id, settled.ref.uuid, settled.ref.poolid) == (cast.alice.pk, str(vm.smbios_uuid), "alice")


@pytest.mark.parametrize(
    ("columns", "code", "words"),
    [
        ({"power": Power.STOPPED}, "off", "It is stopped."),
        ({"power": Power.RUNNING, "lifecycle": Lifecycle.CREATING}, "wait", "It is still being created."),
        ({"power": Power.RUNNING, "lifecycle": Lifecycle.DELETING}, "wait", "It is being deleted."),
        ({"power": Power.RUNNING, "smbios_uuid": None}, "wait", "It was not seen yet."),
        ({"lifecycle": Lifecycle.FAILED}, "stay", "It could not be created."),
        ({"lifecycle": Lifecycle.GONE}, "stay", "It was deleted."),
    ],
)
def test_a_machine_without_a_screen_is_refused_in_words(
    cast: Cast, columns: dict[str, Any], code: str, words: str
) -> None:
    vm = make_vm(cast.alices, "web-01", **columns)

    status, answer, _ = ask(cast.alice, vm.pk)

    assert (status, answer) == (409, {"refusal": f"web-01 has no screen now. {words}", "code": code})
    assert not ConsoleGrant.objects.exists()


def test_foreign_and_missing_machines_are_refused_alike(cast: Cast) -> None:
    vm = make_vm(cast.alices, power=Power.RUNNING)

    foreign, missing = ask(cast.bob, vm.pk), ask(cast.bob, vm.pk + 1000)

    assert foreign[:2] == missing[:2]
    assert foreign[:2] == (404, {"refusal": "This VM belongs to someone else, or does not exist.", "code": "stay"})


def test_who_may_only_look_at_the_pool_gets_the_screen_to_look_at(cast: Cast) -> None:
    vm = make_vm(cast.shared, power=Power.RUNNING)
    PoolMembership.objects.create(pool=cast.shared, user=cast.bob, role=Role.VIEWER)

    answers = [ask(user, vm.pk)[1] for user in (cast.bob, cast.carol, cast.alice, cast.rita)]

    assert [answer["view_only"] for answer in answers] == [True, False, False, False]


def test_an_rtp_may_watch_and_nobody_else_may(cast: Cast) -> None:
    vm = make_vm(cast.alices, power=Power.RUNNING)

    _, ritas, _ = ask(cast.rita, vm.pk, watch="1")
    status, alices, _ = ask(cast.alice, vm.pk, watch="1")

    assert (ritas["mode"], ritas["view_only"], ConsoleGrant.objects.get().is_watch) == ("watch", True, True)
    assert (status, alices) == (403, {"refusal": "Only an RTP watches beside the people of a VM.", "code": "stay"})


def test_an_rtp_who_watches_shows_who_they_are_first(cast: Cast) -> None:
    vm = make_vm(cast.alices, power=Power.RUNNING)
    client = Client()
    client.force_login(cast.rita)

    answer = client.post(f"/vms/{vm.pk}/console/grant", {"watch": "1"}, headers={"Accept": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (403, "proof")
    assert not ConsoleGrant.objects.exists()


def open_console(user: User, vm: VirtualMachine) -> ConsoleVisit:
    now, machine_uuid = timezone.now(), vm.smbios_uuid
    assert machine_uuid is not None
    known = {"user": user, "user_name": user.username, "vm": vm, "machine_uuid": machine_uuid, "node": vm.node}
    return ConsoleVisit.objects.create(opened_at=now, seen_at=now, address="192.0.2.9", **known)


def test_one_console_too_many_is_answered_with_the_open_ones(cast: Cast, settings: Settings) -> None:
    settings.CONSOLE_MAX_PER_PERSON = 1
    visit = open_console(cast.alice, make_vm(cast.alices, "db-01"))
    open_console(cast.bob, make_vm(cast.bobs, "bobs"))

    status, answer, _ = ask(cast.alice, make_vm(cast.alices, "web-01", power=Power.RUNNING).pk)

    assert (status, answer["code"]) == (409, "many")
    assert [(one["vm"], one["address"], one["end_url"]) for one in answer["open"]] == [
        ("db-01", "192.0.2.9", f"/consoles/{visit.pk}/end/")
    ]
    assert not ConsoleGrant.objects.exists()


def test_a_full_and_a_silent_node_are_waited_for(cast: Cast, settings: Settings) -> None:
    settings.CONSOLE_MAX_PER_NODE = 1
    vm = make_vm(cast.alices, power=Power.RUNNING)
    open_console(cast.bob, make_vm(cast.bobs, "bobs", node=vm.node))

    full = ask(cast.alice, vm.pk)
    make_node(vm.node, is_online=False)
    silent = ask(cast.alice, vm.pk)

    assert full[:2] == (409, {"refusal": NODE_FULL.sentence, "code": "wait"})
    assert silent[:2] == (409, {"refusal": NODE_DOWN.sentence, "code": "wait"})


def test_a_script_ends_a_console_without_a_page(cast: Cast) -> None:
    visit = open_console(cast.alice, make_vm(cast.alices))
    client = Client()
    client.force_login(cast.alice)

    answer = client.post(f"/consoles/{visit.pk}/end/", headers={"Accept": "application/json"})

    assert (answer.status_code, answer.json()) == (200, {"ended": visit.pk})


def test_who_is_not_signed_in_is_told_in_json(cast: Cast) -> None:
    status, answer, _ = ask(None, make_vm(cast.alices, power=Power.RUNNING).pk)

    assert (status, answer["code"]) == (401, "signed_out")


def test_a_post_from_another_page_gets_no_grant(cast: Cast) -> None:
    vm = make_vm(cast.alices, power=Power.RUNNING)

    status, answer, _ = ask(cast.alice, vm.pk, enforce=True)

    assert (status, answer, ConsoleGrant.objects.count()) == (403, {}, 0)


@pytest.mark.parametrize("vm_id", [0, 2**31, 2**63, 10**30])
def test_numbers_that_no_machine_has_are_refused_as_missing(cast: Cast, vm_id: int) -> None:
    assert ask(cast.bob, vm_id)[0] == 404
    assert settle(cookie_of(cast.bob), "no-grant", vm_id, timezone.now()) is None


def test_who_opens_consoles_without_end_waits_and_nobody_else_does(cast: Cast, settings: Settings) -> None:
    """Each takes a port of its node for ten seconds, also when its socket closes at once."""
    settings.CONSOLE_MAX_PER_PERSON = 2
    vm = make_vm(cast.shared, "web-01", power=Power.RUNNING)
    told = [ask(cast.carol, vm.pk) for _ in range(13)]

    assert [status for status, _, _ in told] == [200] * 12 + [429]
    assert told[-1][1] == {"refusal": "You opened many consoles within a minute.", "code": "wait"}
    assert told[-1][2].headers["Retry-After"] == "60"
    assert ask(cast.alice, vm.pk)[0] == 200
    ConsoleGrant.objects.update(issued_at=timezone.now() - timedelta(seconds=61))
    assert ask(cast.carol, vm.pk)[0] == 200


def test_getting_does_not_grant(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.alice)

    assert client.get(f"/vms/{make_vm(cast.alices).pk}/console/grant").status_code == 405


def test_the_page_tells_its_script_every_end_and_no_secret(cast: Cast) -> None:
    make_reading()
    vm = make_vm(cast.alices, "web-01", power=Power.RUNNING)
    client = Client()
    client.force_login(cast.alice)

    page = client.get(f"/vms/{vm.pk}/console/")

    text = page.content.decode()
    ends = json.loads(text.split('data-ends="')[1].split('"')[0].replace("&quot;", '"').replace("&#x27;", "'"))
    assert {int(code) for code in ends} == {end.code for end in ENDS}
    assert f'data-grant-url="/vms/{vm.pk}/console/grant"' in text
    assert ("no-store" in page["Cache-Control"], "grant." in text, ConsoleGrant.objects.count()) == (True, False, 0)


@pytest.mark.parametrize(("name", "status"), [("alice", 200), ("rita", 200), ("bob", 404), ("carol", 404)])
def test_the_page_is_for_who_may_use_the_console(cast: Cast, name: str, status: int) -> None:
    vm = make_vm(cast.alices, power=Power.RUNNING)
    client = Client()
    client.force_login(getattr(cast, name))

    assert client.get(f"/vms/{vm.pk}/console/").status_code == status


def test_who_is_not_signed_in_is_sent_to_sign_in(cast: Cast) -> None:
    response = Client().get(f"/vms/{make_vm(cast.alices).pk}/console/")

    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/accounts/login/")
