"""What a request refuses, and that it leaves nothing then."""

import uuid

import pytest
from celery import current_app
from django.core.exceptions import PermissionDenied

from accounts.models import AuditEvent, Pool
from quotas.errors import QuotaExceeded
from quotas.models import Reservation
from tests.factories import make_vm
from tests.vms.operations.workshop import SMALL, Workshop
from vms.models import Operation, VirtualMachine
from vms.operations import FromIso, FromTemplate, Refusal, Size, dismiss_failed, request_create
from vms.states import Lifecycle


def nothing_written() -> bool:
    return not (Operation.objects.exists() or VirtualMachine.objects.exists() or Reservation.objects.exists())


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Give the machine a name."),
        ("web_01", "Name must use a–z, 0–9 and hyphens, start with a letter and not end with a hyphen."),
        ("1web", "Name must use a–z, 0–9 and hyphens, start with a letter and not end with a hyphen."),
        ("web-", "Name must use a–z, 0–9 and hyphens, start with a letter and not end with a hyphen."),
        ("w" * 64, "A name has at most 63 characters."),
    ],
)
def test_a_name_that_is_no_host_name_is_refused_beside_its_field(shop: Workshop, name: str, sentence: str) -> None:
    with pytest.raises(Refusal) as refusal:
        shop.from_iso(name)

    assert (refusal.value.field, refusal.value.sentence) == ("name", sentence)
    assert nothing_written()


def test_a_name_is_taken_once_in_a_pool_and_free_in_another(shop: Workshop) -> None:
    shop.from_iso("web-01")

    with pytest.raises(Refusal, match=r"web-01 is in use. Choose another name."):
        shop.from_iso("WEB-01 ")
    assert shop.from_iso("web-01", pool=shop.cast.shared).vm.pool == shop.cast.shared


@pytest.mark.parametrize(
    ("size", "field"),
    [
        (Size(0, 512, 4), "cores"),
        (Size(1, 8, 4), "memory_mib"),
        (Size(1, 512, 0), "disk_gib"),
        (Size(1, 512, 1), "disk_gib"),
    ],
)
def test_a_size_no_machine_can_have_is_refused_beside_its_field(shop: Workshop, size: Size, field: str) -> None:
    with pytest.raises(Refusal) as refusal:
        shop.from_template(size=size)

    assert refusal.value.field == field
    assert nothing_written()


def test_a_size_beyond_the_limit_is_refused_in_numbers(shop: Workshop) -> None:
    with pytest.raises(QuotaExceeded, match=r"This needs 9 cores; 8 of 8 are free."):
        shop.from_iso(size=Size(9, 512, 4))
    assert nothing_written()


def test_a_template_or_image_that_is_gone_or_hidden_is_refused(shop: Workshop) -> None:
    type(shop.template).objects.update(is_hidden=True)
    type(shop.iso).objects.update(is_hidden=True)

    for ask in (shop.from_template, shop.from_iso):
        with pytest.raises(Refusal, match="is not there any more"):
            ask()
    assert nothing_written()


def test_a_private_key_is_refused_and_not_stored(shop: Workshop) -> None:
    pasted = "-----BEGIN OPENSSH PRIVATE KEY-----"

    with pytest.raises(Refusal, match="it was not stored"):
        shop.create(FromTemplate(shop.template.pk, ssh_keys=(pasted,)), "web-01")
    assert nothing_written()


@pytest.mark.parametrize("user", ["root", "Alice", "1st", "a b"])
def test_a_login_that_the_guest_cannot_have_is_refused_beside_its_field(shop: Workshop, user: str) -> None:
    with pytest.raises(Refusal) as refusal:
        shop.create(FromTemplate(shop.template.pk, login_user=user), "web-01")

    assert refusal.value.field == "login_user"


def test_creating_in_a_pool_takes_a_manager(shop: Workshop) -> None:
    for person in (shop.cast.bob, shop.cast.carol):
        with pytest.raises(PermissionDenied):
            shop.from_iso(pool=shop.cast.shared, by=person)
    assert shop.from_iso(pool=shop.cast.alices, by=shop.cast.rita).actor == shop.cast.rita


def test_the_first_machine_makes_a_person_s_own_pool(shop: Workshop) -> None:
    created = request_create(
        pool=None,
        by=shop.cast.carol,
        address="",
        key=uuid.uuid4().hex,
        name="box",
        size=SMALL,
        source=FromIso(shop.iso.pk),
    )

    assert Pool.objects.get(owner=shop.cast.carol) == created.vm.pool


def test_a_broker_that_is_down_loses_nothing(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    def down(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(current_app, "send_task", down)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        op = shop.from_iso()

    assert shop.work(op).sentence == "web-01 was created and is running."


def test_a_failed_creation_is_put_away_by_who_may_create(shop: Workshop) -> None:
    vm = make_vm(shop.cast.alices, lifecycle=Lifecycle.FAILED, vmid=None)

    with pytest.raises(PermissionDenied):
        dismiss_failed(vm, shop.cast.bob)
    dismiss_failed(vm, shop.cast.alice)

    assert vm not in VirtualMachine.objects.listed()
    (told,) = AuditEvent.objects.filter(verb="vm.dismissed")
    assert (told.target_name, told.machine_uuid) == (vm.name, str(vm.smbios_uuid))
