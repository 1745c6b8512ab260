"""Somebody who left the house may look, use the console, shut down, stop and delete for a while; nothing else."""

import uuid

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from accounts.models import Pool, User
from tests.cast import Cast
from tests.factories import make_operation, make_reading, make_template, make_vm
from tests.vms.departures.people import make_dora
from vms import access
from vms.models import VirtualMachine
from vms.operations import FromTemplate, Size, request_create, request_power
from vms.operations.rights import may_create, still_allowed
from vms.states import Action, Lifecycle, OperationKind, Power

STAYS = {
    Action.VIEW, Action.CONSOLE, Action.SHUTDOWN, Action.STOP, Action.DELETE, Action.TRASH, Action.RESTORE,
    Action.CONTROL,
}  # fmt: skip
NOTICE = (
    "You left the house on 3 Nov. Your machines run on until 10 Nov, 09:30; then they are shut down and this account "
    "closes. Until then you can look, use the console, stop and delete, not create or start."
)


@pytest.fixture
def dora(cast: Cast) -> User:
    return make_dora(cast.shared)


@pytest.fixture
def doras(dora: User) -> VirtualMachine:
    return make_vm(Pool.objects.get(owner=dora), "doras-vm", power=Power.STOPPED)


def test_in_the_own_pool_she_may_fetch_her_data_and_end_things(dora: User, doras: VirtualMachine) -> None:
    assert {action for action in Action if access.may(dora, doras, action)} == STAYS
    assert not may_create(dora, Pool.objects.get(owner=dora))


def test_in_shared_pools_she_has_nothing(cast: Cast, dora: User) -> None:
    shared = make_vm(cast.shared, "shared-vm")

    assert {action for action in Action if access.may(dora, shared, action)} == set()
    assert not VirtualMachine.objects.visible_to(dora).filter(pk=shared.pk).exists()
    assert not may_create(dora, cast.shared)


def test_an_rtp_who_left_has_no_power(cast: Cast, dora: User) -> None:
    User.objects.filter(pk=dora.pk).update(is_rtp=True, is_staff=True)
    alices = make_vm(cast.alices)

    assert not access.may(User.objects.get(pk=dora.pk), alices, Action.VIEW)


def test_a_refused_start_says_until_when(dora: User, doras: VirtualMachine, client: Client) -> None:
    client.force_login(dora)

    answer = client.post(f"/vms/{doras.pk}/actions/start/", {"key": uuid.uuid4().hex})

    assert answer.status_code == 403
    assert NOTICE in answer.content.decode()
    with pytest.raises(PermissionDenied, match="until 10 Nov"):
        request_power(doras, OperationKind.START, by=dora, address="", key=uuid.uuid4().hex)


def test_nothing_is_created_by_page_or_by_operation(dora: User, client: Client) -> None:
    client.force_login(dora)
    source = FromTemplate(make_template().pk)

    page, post = client.get("/vms/new/"), client.post("/vms/new/", {"name": "web-01"})

    assert (page.status_code, post.status_code) == (403, 403)
    assert page.content.decode().count(NOTICE) == 1
    assert '<form method="post" class="split"' not in page.content.decode()
    with pytest.raises(PermissionDenied, match="You left the house on 3 Nov"):
        request_create(pool=None, by=dora, address="", key=uuid.uuid4().hex, name="web", size=Size(1, 512, 4),
                       source=source)  # fmt: skip


def test_what_she_asked_for_before_is_not_started_afterwards(dora: User, doras: VirtualMachine) -> None:
    assert not still_allowed(make_operation(doras, dora, kind=OperationKind.START))
    assert still_allowed(make_operation(make_vm(doras.pool), dora, kind=OperationKind.SHUTDOWN))


def test_her_console_opens_and_offers_no_start(dora: User, doras: VirtualMachine, client: Client) -> None:
    client.force_login(dora)
    runs = make_vm(doras.pool, power=Power.RUNNING)

    off, on = (client.post(f"/vms/{vm.pk}/console/grant").json() for vm in (doras, runs))

    assert (off["code"], "grant" in on) == ("wait", True)


def test_she_puts_a_failed_creation_away(dora: User, doras: VirtualMachine, client: Client) -> None:
    failed = make_vm(doras.pool, lifecycle=Lifecycle.FAILED, vmid=None)
    client.force_login(dora)

    client.post(f"/vms/{failed.pk}/dismiss/")

    failed.refresh_from_db()
    assert failed.dismissed_at is not None


@pytest.mark.parametrize("path", ["/", "/vms/{vm}/", "/vms/{vm}/hardware/", "/activity/", "/accounts/"])
def test_each_page_says_what_holds(dora: User, doras: VirtualMachine, client: Client, path: str) -> None:
    client.force_login(dora)

    assert NOTICE in client.get(path.format(vm=doras.pk)).content.decode()


def test_pages_of_others_say_nothing_of_it(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)

    assert "left the house" not in client.get("/").content.decode()


def test_buttons_say_why_they_do_nothing(cast: Cast, dora: User, doras: VirtualMachine, client: Client) -> None:
    make_reading()
    make_vm(cast.shared, "shared-vm")
    client.force_login(dora)

    page, mine = client.get("/").content.decode(), client.get(f"/vms/{doras.pk}/").content.decode()

    short = "You left the house: until 10 Nov, 09:30 you can look, use the console, stop and delete."
    assert short in page
    assert 'href="/vms/new/">Create VM' not in page
    assert "shared-vm" not in page
    assert f"Start: {short}" in mine
    assert f"/vms/{doras.pk}/actions/start/" not in mine
    assert f"/vms/{doras.pk}/actions/delete/" in mine
