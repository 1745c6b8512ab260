"""An RTP locks a machine or a person: nobody starts what is locked, whatever they may otherwise."""

import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Pool, User
from consoles.authority import settle
from consoles.grants import issue
from consoles.groups import vm_group
from consoles.receivers import LOOK
from tests.cast import Cast, make_cast
from tests.consoles.portal import cookie_of
from tests.factories import make_operation, make_reading, make_vm
from tests.sign_in import sign_in
from tests.vms.departures.people import make_lou
from vms.models import Operation, VirtualMachine
from vms.operations import Refusal, request_delete, request_power
from vms.operations.locks import lock_machine, unlock_machine
from vms.operations.rights import still_allowed
from vms.signals import vm_locked
from vms.states import OperationKind, Power

K = OperationKind
REASON = "It scans the house's network."
STOPPED = {K.START: Power.STOPPED, K.RESUME: Power.PAUSED, K.REBOOT: Power.RUNNING, K.RESET: Power.RUNNING,
           K.DELETE: Power.STOPPED}  # fmt: skip


def lock(vm: VirtualMachine, cast: Cast) -> VirtualMachine:
    return lock_machine(vm, by=cast.rita, reason=REASON, address="192.0.2.9", now=timezone.now())


def ask(vm: VirtualMachine, kind: OperationKind, by: User) -> Operation:
    common = {"by": by, "address": "", "key": uuid.uuid4().hex}
    return request_delete(vm, **common) if kind == K.DELETE else request_power(vm, kind, **common)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", STOPPED)
@pytest.mark.parametrize("who", ["alice", "rita"])
def test_nobody_runs_or_removes_a_locked_machine(cast: Cast, kind: OperationKind, who: str) -> None:
    vm = lock(make_vm(cast.alices, power=STOPPED[kind]), cast)

    with pytest.raises(Refusal, match="An RTP locked this VM: It scans"):
        ask(vm, kind, getattr(cast, who))
    assert not Operation.objects.exists()
    unlock_machine(vm, by=cast.rita, address="")
    assert ask(vm, kind, getattr(cast, who)).kind == kind


@pytest.mark.parametrize("kind", [K.SHUTDOWN, K.STOP])
def test_it_can_still_be_stopped(cast: Cast, kind: OperationKind) -> None:
    vm = lock(make_vm(cast.alices, power=Power.RUNNING), cast)

    assert ask(vm, kind, cast.alice).kind == kind


def test_what_was_asked_for_before_goes_on(cast: Cast) -> None:
    vm = make_vm(cast.alices)
    before = ask(vm, K.START, cast.alice)
    lock(vm, cast)

    assert still_allowed(before)


def test_a_form_that_was_loaded_before_the_lock_starts_nothing(cast: Cast) -> None:
    stale = make_vm(cast.alices)
    lock(VirtualMachine.objects.get(pk=stale.pk), cast)

    with pytest.raises(Refusal, match=r"cannot be started\. An RTP locked this VM"):
        ask(stale, K.START, cast.alice)


@pytest.mark.django_db(transaction=True)
def test_a_start_that_races_a_lock_is_before_it_or_refused() -> None:
    cast = make_cast()
    for _ in range(12):
        vm = make_vm(cast.alices)

        at_once(partial(ask, vm, K.START, cast.alice), partial(lock, vm, cast))

        told = AuditEvent.objects.filter(target_id=str(vm.pk)).order_by("pk").values_list("verb", flat=True)
        assert list(told) in (["vm.start", "vm.locked"], ["vm.locked"])


def at_once(*acts: Callable[[], object]) -> None:
    """Both in the same moment, each in a thread of its own; refusals are answers."""
    ready = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        ready.wait()
        with suppress(Refusal):
            act()
        connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 201])
def test_a_lock_without_a_fitting_reason_is_told_beside_the_field(cast: Cast, client: Client, reason: str) -> None:
    vm = make_vm(cast.alices)
    sign_in(client, cast.rita)

    answer = client.post(f"/vms/{vm.pk}/lock/", {"reason": reason})

    assert answer.status_code == 422
    assert 'id="id_reason_error"' in answer.content.decode()
    assert (reason.strip() or "Say why") in answer.content.decode()
    vm.refresh_from_db()
    assert vm.locked_at is None


def test_an_rtp_locks_and_unlocks_on_the_machines_page(cast: Cast, client: Client) -> None:
    vm = make_vm(cast.alices, power=Power.RUNNING)
    sign_in(client, cast.rita)

    page = client.post(f"/vms/{vm.pk}/lock/", {"reason": REASON}, follow=True).content.decode()

    assert "An RTP locked this VM: It scans the house&#x27;s network." in page
    assert "by rita" in page
    assert f"Unlock {vm.name}" in page
    page = client.post(f"/vms/{vm.pk}/unlock/", follow=True).content.decode()
    assert "An RTP locked this VM" not in page
    told = list(AuditEvent.objects.filter(verb__startswith="vm.").order_by("pk").values_list("actor_name", "verb"))
    assert told == [("rita", "vm.locked"), ("rita", "vm.unlocked")]


def test_a_member_reads_it_on_page_and_list(cast: Cast, client: Client) -> None:
    make_reading()
    vm = lock(make_vm(cast.alices), cast)
    client.force_login(cast.alice)

    page, mine = client.get(f"/vms/{vm.pk}/").content.decode(), client.get("/").content.decode()

    assert "An RTP locked this VM: It scans" in page
    assert "its console is closed" in page
    assert f"/vms/{vm.pk}/actions/start/" not in page
    assert "Locked by an RTP" in mine
    assert "/lock/" not in page


@pytest.mark.parametrize("who", ["alice", "bob", "carol"])
def test_only_rtps_lock(cast: Cast, client: Client, who: str) -> None:
    vm = make_vm(cast.alices)
    client.force_login(getattr(cast, who))

    status = client.post(f"/vms/{vm.pk}/lock/", {"reason": REASON}).status_code

    assert status == (403 if who == "alice" else 404)
    with pytest.raises(PermissionDenied):
        lock_machine(vm, by=getattr(cast, who), reason=REASON, address="", now=timezone.now())
    with pytest.raises(PermissionDenied):
        unlock_machine(vm, by=getattr(cast, who), address="")


def test_locking_twice_and_unlocking_what_is_open_is_refused(cast: Cast) -> None:
    vm = make_vm(cast.alices, "web-01")
    with pytest.raises(Refusal, match="web-01 is not locked"):
        unlock_machine(vm, by=cast.rita, address="")
    lock(vm, cast)

    with pytest.raises(Refusal, match="web-01 is locked already: It scans"):
        lock(vm, cast)


def test_members_get_no_console_of_it_and_rtps_do(cast: Cast, client: Client) -> None:
    vm = lock(make_vm(cast.alices, power=Power.RUNNING), cast)
    client.force_login(cast.alice)

    refused = client.post(f"/vms/{vm.pk}/console/grant")
    granted = sign_in(Client(), cast.rita).post(f"/vms/{vm.pk}/console/grant")

    assert (refused.status_code, refused.json()["refusal"]) == (403, f"An RTP locked this VM: {REASON}")
    assert "grant" in granted.json()


def test_a_grant_from_before_opens_nothing_after(cast: Cast) -> None:
    vm, cookie = make_vm(cast.alices, power=Power.RUNNING), cookie_of(cast.alice)
    token = issue(cast.alice, cookie, vm, address="", now=timezone.now())
    lock(vm, cast)

    assert settle(cookie, token, vm.pk, timezone.now()) is None


def test_a_locked_persons_machines_are_started_by_nobody(cast: Cast) -> None:
    lou = make_lou(cast.rita)
    vm = make_vm(Pool.objects.get(owner=lou), "lous-vm")
    shared = make_vm(cast.shared)

    with pytest.raises(
        Refusal, match=r"lous-vm cannot be started\. An RTP locked the account of lou: Mining on the lab"
    ):
        ask(vm, K.START, cast.rita)
    assert ask(make_vm(vm.pool, power=Power.RUNNING), K.STOP, cast.rita).kind == K.STOP
    assert ask(shared, K.START, cast.alice).kind == K.START
    User.objects.filter(pk=lou.pk).update(locked_at=None)
    assert ask(vm, K.START, cast.rita).kind == K.START


def test_what_a_locked_person_asked_for_is_not_begun(cast: Cast) -> None:
    lou = make_lou(cast.rita)
    vm = make_vm(Pool.objects.get(owner=lou))

    assert not still_allowed(make_operation(vm, lou))


async def test_consoles_are_told_of_a_lock_at_once() -> None:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(vm_group(7), channel)

    await sync_to_async(vm_locked.send)(sender=None, vm_id=7)

    assert await layer.receive(channel) == LOOK
