"""What pages say, and what their buttons lead to."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.cast import Cast, personal_pool
from tests.factories import make_node, make_operation, make_reading, make_vm
from tests.sign_in import sign_in
from vms.models import MirrorRun, Operation, VirtualMachine
from vms.states import Action, Lifecycle, OperationKind, OperationState, Power
from vms.verbs import MENU, verb

HTMX = {"HX-Request": "true"}
KEY = "b" * 32


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    """Alice's browser, on a cluster read just now."""
    make_reading()
    make_node()
    client.force_login(cast.alice)
    return client


@pytest.fixture
def web(cast: Cast) -> VirtualMachine:
    """Her running machine."""
    return make_vm(cast.alices, "web-01", power=Power.RUNNING)


def test_a_stranger_and_nobody_see_the_same_page(cast: Cast, client: Client, web: VirtualMachine) -> None:
    client.force_login(cast.bob)

    foreign, missing = (client.get(f"/vms/{number}/") for number in (web.pk, 987_654))

    token = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')
    assert foreign.status_code == missing.status_code == 404
    assert token.sub("", foreign.content.decode()) == token.sub("", missing.content.decode())


@pytest.mark.parametrize("name", [action for action in MENU if not verb(action).warning])
def test_a_button_makes_one_operation_however_often_it_is_pressed(name: Action, cast: Cast, alice: Client) -> None:
    power = {Action.START: Power.STOPPED, Action.RESUME: Power.PAUSED}.get(name, Power.RUNNING)
    in_trash: dict[str, Any] = {"trashed_at": timezone.now()} if name == Action.RESTORE else {}
    vm = make_vm(cast.alices, power=power, **in_trash)

    answers = [alice.post(f"/vms/{vm.pk}/actions/{name}/", {"key": KEY, "next": "list"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [302, 302, 302]
    assert Operation.objects.get().kind == OperationKind(name)


@pytest.mark.parametrize("name", [Action.STOP, Action.RESET])
def test_what_loses_work_is_asked_back_first(name: Action, alice: Client, web: VirtualMachine) -> None:
    path = f"/vms/{web.pk}/actions/{name}/"

    asked, unsure = alice.get(path), alice.post(path, {"key": KEY})
    before = Operation.objects.count()
    sure = alice.post(path, {"key": KEY, "confirm": "yes"})

    assert "is lost" in asked.content.decode()
    assert (unsure.status_code, before) == (200, 0)
    assert (sure.status_code, Operation.objects.get().kind) == (302, OperationKind(name))


def test_deleting_needs_the_name(cast: Cast, alice: Client) -> None:
    vm = make_vm(cast.alices, "db-test")
    path = f"/vms/{vm.pk}/actions/delete/"

    wrong = alice.post(path, {"key": KEY, "confirm": "yes", "name": "web-01"})
    before = Operation.objects.count()
    right = alice.post(path, {"key": KEY, "confirm": "yes", "name": "db-test"})

    assert wrong.status_code == 422
    assert "That is not its name. Type db-test." in wrong.content.decode()
    assert (before, right.status_code, Operation.objects.get().kind) == (0, 302, OperationKind.DELETE)


def test_a_running_machine_says_what_to_do_before_it_can_be_deleted(alice: Client, web: VirtualMachine) -> None:
    page = alice.get(f"/vms/{web.pk}/actions/delete/").content.decode()

    assert "Shut it down first." in page
    assert f'action="/vms/{web.pk}/actions/shutdown/"' in page


def test_a_refused_start_says_why_and_makes_nothing(cast: Cast, alice: Client) -> None:
    make_vm(cast.alices, power=Power.RUNNING, cores=8)
    vm = make_vm(cast.alices, "db-test")

    answer = alice.post(f"/vms/{vm.pk}/actions/start/", {"key": KEY}, follow=True)

    assert "db-test cannot start yet. This needs 1 core; 0 of 8 are free." in answer.content.decode()
    assert not Operation.objects.exists()


def test_an_unknown_action_is_no_address(alice: Client, web: VirtualMachine) -> None:
    for name in ("create", "view", "console", "explode"):
        assert alice.post(f"/vms/{web.pk}/actions/{name}/", {"key": KEY}).status_code == 404


def test_an_operator_is_told_what_the_role_leaves_out(cast: Cast, client: Client) -> None:
    vm = make_vm(cast.shared, "ctf-box")
    client.force_login(cast.carol)

    page = client.get(f"/vms/{vm.pk}/").content.decode()

    assert "As operator of ctf you cannot do this." in page
    assert client.post(f"/vms/{vm.pk}/actions/delete/", {"key": KEY}).status_code == 403


def test_a_page_in_motion_asks_every_two_seconds_and_rests_when_it_is_over(
    cast: Cast, alice: Client, web: VirtualMachine
) -> None:
    operation = make_operation(web, cast.alice, kind=OperationKind.REBOOT, state=OperationState.SUBMITTED)
    moving = alice.get(f"/vms/{web.pk}/").content.decode()
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.SUCCEEDED, finished_at=timezone.now())

    over = alice.get(f"/vms/{web.pk}/?watching={operation.pk}", headers=HTMX)

    assert f'hx-get="/vms/{web.pk}/?watching={operation.pk}" hx-trigger="every 2s"' in moving
    assert 'hx-trigger="every 15s"' in over.content.decode()
    assert "<html" not in over.content.decode()
    assert over.headers["HX-Trigger"] == '{"said": "Rebooted web-01"}'


def test_the_console_opens_by_itself_when_the_machine_is_there(cast: Cast, alice: Client) -> None:
    vm = make_vm(cast.alices, "new", lifecycle=Lifecycle.CREATING)
    operation = make_operation(vm, cast.alice, kind=OperationKind.CREATE, state=OperationState.SUBMITTED)
    waiting = alice.get(f"/vms/{vm.pk}/?watching={operation.pk}", headers=HTMX)
    Operation.objects.filter(pk=operation.pk).update(state=OperationState.SUCCEEDED, finished_at=timezone.now())
    VirtualMachine.objects.filter(pk=vm.pk).update(lifecycle=Lifecycle.READY, power=Power.RUNNING)

    ready = alice.get(f"/vms/{vm.pk}/?watching={operation.pk}", headers=HTMX)

    assert "HX-Redirect" not in waiting.headers
    assert ready.headers["HX-Redirect"] == f"/vms/{vm.pk}/console/?made=1"


def test_a_failed_creation_stays_until_it_is_put_away(cast: Cast, alice: Client) -> None:
    vm = make_vm(cast.alices, "never", lifecycle=Lifecycle.FAILED)
    before = alice.get("/").content.decode()

    alice.post(f"/vms/{vm.pk}/dismiss/")

    assert "Could not create" in before
    assert "never" not in alice.get("/").content.decode()


def test_an_outage_shows_what_was_last_known_and_never_an_empty_list(alice: Client, web: VirtualMachine) -> None:
    before = timezone.now() - timedelta(minutes=6)
    MirrorRun.objects.all().delete()
    make_reading(before)
    make_reading(answered=False, is_complete=False)
    VirtualMachine.objects.update(last_seen=before)

    page = alice.get("/").content.decode()

    assert "Proxmox is not answering." in page
    assert "web-01" in page
    assert f"as of {timezone.localtime(before):%H:%M}" in page or "as of" in page
    assert "No VMs yet" not in page
    assert "New VMs have to wait: Proxmox is not answering right now." in page


def test_a_silent_node_is_named_with_how_many_machines_are_on_it(cast: Cast, alice: Client) -> None:
    make_node("pve3", is_online=False)
    make_vm(cast.alices, node="pve3", power=Power.UNKNOWN)
    make_vm(cast.bobs, node="pve3", power=Power.UNKNOWN)

    page = alice.get("/").content.decode()

    assert "Node pve3 is not answering." in page
    assert "1 machine is on it." in page


def test_an_rtp_sees_everybodys_own_first(cast: Cast, client: Client, web: VirtualMachine) -> None:
    make_vm(personal_pool(cast.rita), "zz-own")
    client.force_login(cast.rita)

    page = client.get("/rtp/vms/").content.decode()

    assert page.index("zz-own") < page.index("web-01")
    assert "web-01" not in client.get("/rtp/vms/?q=zz").content.decode()


def test_a_member_reads_no_proxmox_word(cast: Cast, alice: Client, web: VirtualMachine) -> None:
    make_operation(web, cast.alice, upid="UPID:pve1:canary", detail="scsi0 canary", state=OperationState.FAILED)
    hardware = {"disks": [{"slot": "scsi0", "size_gib": 4}], "nics": [{"mac": "BC:24:11:00:00:01", "bridge": "vmbr0"}]}
    VirtualMachine.objects.filter(pk=web.pk).update(hardware=hardware)

    for path in ("/", f"/vms/{web.pk}/", f"/vms/{web.pk}/hardware/", f"/vms/{web.pk}/activity/", "/activity/"):
        page = alice.get(path).content.decode()
        plain = re.sub(r"(?s)<details>.*?</details>", "", page) if "hardware" in path else page
        read = re.sub(r"<[^>]+>", " ", plain) if "hardware" in path else page
        assert not re.search(r"vmid|UPID|scsi0|canary|bridge", read, re.IGNORECASE), path


def test_pages_are_never_stored_and_carry_the_whole_policy(alice: Client) -> None:
    answer = alice.get("/")

    policy = answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert {part.strip() for part in policy.split(";")} == {
        "default-src 'self'", "img-src 'self' data:", "connect-src 'self'", "object-src 'none'", "base-uri 'self'",
        "form-action 'self'", "frame-ancestors 'none'",
    }  # fmt: skip
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", answer.content.decode())


def test_an_rtp_settles_what_could_not_be_found_out(cast: Cast, client: Client, web: VirtualMachine) -> None:
    operation = make_operation(web, cast.alice, kind=OperationKind.STOP, state=OperationState.NEEDS_RTP)
    path = f"/vms/{web.pk}/operations/{operation.pk}/"
    seen = {}
    for person in (cast.bob, cast.alice, cast.rita):
        sign_in(client, person)
        is_offered = "It was not done" in client.get(path).content.decode()
        seen[person.username] = (is_offered, client.post(f"{path}settle/", {"act": "perhaps"}).status_code)
    client.post(f"{path}settle/", {"act": "mark_not_done"})

    operation.refresh_from_db()
    assert seen == {"bob": (False, 404), "alice": (False, 403), "rita": (True, 302)}
    assert operation.state == OperationState.UNCERTAIN  # a worker reads the machine, then ends it
    assert operation.sentence == "rita said that it was not done. The portal is reading the machine."


def test_a_part_of_a_page_leads_to_the_sign_in_when_the_session_is_over(client: Client, web: VirtualMachine) -> None:
    for path in ("/", f"/vms/{web.pk}/"):
        page = f"http://testserver{path}?page=2"
        answer = client.get(path, headers={"HX-Request": "true", "HX-Current-URL": page})

        assert (answer.status_code, answer.content) == (401, b"")
        assert answer.headers["HX-Redirect"].startswith("/accounts/login/?next=/")


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("web", {"web-01", "web-02"}),
        ("WEB status:running", {"web-01"}),
        ("status:stopped", {"web-02", "ctf-box"}),
        ("tag:ctf", {"ctf-box"}),
        ("tag:c", set()),
        ("pool:ctf", {"ctf-box"}),
        ("node:pve1", set()),
        ("<script>", set()),
    ],
)
def test_the_list_is_filtered_by_words(typed: str, names: set[str], cast: Cast, alice: Client) -> None:
    make_vm(cast.alices, "web-01", power=Power.RUNNING)
    make_vm(cast.alices, "web-02")
    make_vm(cast.shared, "ctf-box", tags=["ctf"])

    page = alice.get("/", {"q": typed}).content.decode()

    assert {name for name in ("web-01", "web-02", "ctf-box") if f">{name}</a>" in page} == names
    assert "<script>" not in page.partition("<main")[2]
    assert ("Nothing found" in page) or names
