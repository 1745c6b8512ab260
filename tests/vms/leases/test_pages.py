"""Renewing, deleting and restoring on pages, without scripts and while Proxmox does not answer."""

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from accounts.models import OutgoingMail
from tests.cast import Cast
from tests.factories import make_reading, make_vm
from tests.sign_in import sign_in
from tests.vms.operations.workshop import Workshop
from vms import lease_mails, leases, leasing, renewal_links
from vms.models import VirtualMachine
from vms.operations import Refusal, request_restore, request_trash
from vms.states import Lifecycle


def who(cast: Cast) -> dict[str, object]:
    return {"by": cast.alice, "address": "", "key": uuid.uuid4().hex}


def test_a_member_renews_without_proxmox(cast: Cast, client: Client) -> None:
    vm = make_vm(cast.alices, "web-01", lease_until=timezone.now() + timedelta(days=2))
    client.force_login(cast.alice)
    assert f"/vms/{vm.pk}/renew/" in client.get("/").content.decode()
    client.post(f"/vms/{vm.pk}/renew/")
    vm.refresh_from_db()
    assert vm.lease_until == leasing.end_after(91, timezone.now())


def test_a_mails_link_works_for_its_person_alone_and_only_by_post(cast: Cast, client: Client) -> None:
    vm = make_vm(cast.alices, "web-01", lease_until=timezone.now() + timedelta(days=2))
    before = vm.lease_until
    ref = renewal_links.make(cast.alice, [vm], timezone.now())
    client.force_login(cast.bob)
    assert client.get(f"/renew/{ref}/").status_code == 404
    client.force_login(cast.alice)
    assert "web-01" in client.get(f"/renew/{ref}/").content.decode()
    assert VirtualMachine.objects.get(pk=vm.pk).lease_until == before
    client.post(f"/renew/{ref}/", {"vm": [vm.pk]})
    assert VirtualMachine.objects.get(pk=vm.pk).lease_until == leasing.end_after(91, timezone.now())


def test_a_warning_is_text_and_html_and_holds_only_a_reference(cast: Cast) -> None:
    now = leasing.end_after(0, timezone.now())
    make_vm(cast.alices, "web-01", lease_until=leasing.end_after(3, now))
    assert (lease_mails.warn(now), lease_mails.warn(now)) == (1, 0)
    mail = OutgoingMail.objects.get()
    assert ("web-01 expires in 3 days" in mail.text, "<strong>web-01</strong>" in mail.html) == (True, True)


def test_delete_asks_once_and_the_trash_gives_it_back(shop: Workshop) -> None:
    vm = shop.machine()
    op = shop.work(request_trash(vm, **who(shop.cast)))  # type: ignore[arg-type]
    assert (op.state, op.vm.trashed_at is not None, op.vm.lifecycle) == ("succeeded", True, Lifecycle.READY)
    op = shop.work(request_restore(op.vm, **who(shop.cast)))  # type: ignore[arg-type]
    assert (op.state, op.vm.trashed_at) == ("succeeded", None)


def test_the_page_before_a_deletion_says_what_goes(cast: Cast, client: Client) -> None:
    make_reading()
    vm = make_vm(cast.alices, "web-01")
    client.force_login(cast.alice)
    page = client.get(f"/vms/{vm.pk}/actions/trash/").content.decode()
    assert ("4 GiB of disk" in page, "You can restore it for 7 days" in page) == (True, True)


def test_rtps_hold_extend_and_spare(cast: Cast, client: Client) -> None:
    now = timezone.now()
    vm = make_vm(cast.alices, "web-01", lease_until=now - timedelta(days=9))
    sign_in(client, cast.rita)
    assert "would go into the trash" in client.get("/rtp/leases/?show=over").content.decode()
    refused = client.post("/rtp/leases/change/", {"act": "hold", "reason": ""})
    assert (refused.status_code, leasing.watch().held_until) == (422, None)
    client.post("/rtp/leases/change/", {"act": "hold", "reason": "A storage is being repaired."})
    assert leasing.watch().held_until is not None
    until = (timezone.localdate() + timedelta(days=40)).isoformat()
    client.post("/rtp/leases/change/", {"act": "extend", "vm": [vm.pk], "until": until})
    assert VirtualMachine.objects.get(pk=vm.pk).lease_until == leasing.end_after(40, now)


def test_what_lies_in_the_trash_is_listed_and_not_renewed(cast: Cast, client: Client) -> None:
    now = timezone.now()
    vm = make_vm(cast.alices, "old", trashed_at=now, trash_until=now + timedelta(days=6), lease_until=now)
    client.force_login(cast.alice)
    page = client.get("/trash/").content.decode()
    assert ("6 days left" in page, f"/vms/{vm.pk}/actions/restore/" in page) == (True, True)
    with pytest.raises(Refusal, match="in the trash"):
        leases.renew(vm, by=cast.alice, address="", now=now)


def test_strangers_and_operators_renew_nothing(cast: Cast) -> None:
    vm = make_vm(cast.shared, "ctf-box", lease_until=timezone.now())
    for user in (cast.bob, cast.carol):
        with pytest.raises(PermissionDenied):
            leases.renew(vm, by=user, address="", now=timezone.now())
