"""Every page of the admin opens, and says why something cannot be changed there."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.admin_base import SeenForm
from accounts.alarms import raise_alarm
from accounts.models import AuditEvent, DirectoryException, DirectoryGroup, DirectoryRun, OutgoingMail
from consoles.models import ConsoleVisit
from quotas.models import Allowance, MoreRequest, Policy, Reservation
from tests.cast import Cast
from tests.factories import make_iso, make_node, make_operation, make_reading, make_template, make_vm
from tests.figures import figure
from tests.sign_in import sign_in
from vms.models import ClusterTask, Leftover, Storage

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def rows(cast: Cast) -> None:
    """One row of nearly every kind."""
    now, vm = timezone.now(), make_vm(cast.alices, "web-01")
    make_operation(vm, cast.alice)
    make_iso(), make_template(), make_reading()
    Storage.objects.create(node=make_node(), name="shared")
    ClusterTask.objects.create(upid="UPID:1", vm=vm, kind="qmstart", user="root@pam", began_at=now)
    Leftover.objects.create(volid="shared:vm-7-disk-0", first_seen=now, last_seen=now)
    Policy.objects.create(name="default", is_default=True, cores=8)
    Allowance.objects.create(pool=cast.alices, cores=9, reason="A thesis.")
    MoreRequest.objects.create(ref="r", pool=cast.alices, asked_by=cast.alice, cores=9, reason="More.")
    Reservation.objects.create(pool=cast.alices, held_until=now)
    DirectoryGroup.objects.create(name="active", seen_at=now)
    DirectoryRun.objects.create(started_at=now, outcome="done")
    DirectoryException.objects.create(user=cast.bob, until=now, reason="thesis")
    OutgoingMail.objects.create(to="a@example.org", subject="s", text="secret-text", made_at=now, next_try_at=now)
    AuditEvent.objects.create(actor_name="alice", verb="vm.start", target_name="web-01")
    raise_alarm("test", "", "Something has happened.")
    assert vm.smbios_uuid is not None
    ConsoleVisit.objects.create(user_name="a", vm=vm, machine_uuid=vm.smbios_uuid, opened_at=now, seen_at=now)


def test_every_page_opens_and_none_says_what_is_secret(cast: Cast, client: Client) -> None:
    rows(cast)
    sign_in(client, cast.rita)
    opened = 0
    for model in MODELS:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        row = model._default_manager.first()
        pages = [reverse(f"{name}_changelist") + "?q=web", *([reverse(f"{name}_change", args=[row.pk])] if row else [])]
        for page in pages:
            answer = client.get(page)
            assert answer.status_code == 200, page
            assert "secret-text" not in answer.content.decode()
            opened += 1

    figure("admin", "pages opened", opened, "models", len(MODELS))


@pytest.mark.parametrize("model", MODELS, ids=[model._meta.label for model in MODELS])
def test_what_cannot_be_changed_says_why_and_what_can_is_guarded(model: Any, cast: Cast, client: Client) -> None:
    shown: Any = admin.site._registry[model]
    may_change = shown.has_change_permission(client.get("/").wsgi_request)

    assert getattr(shown, "why", "") or may_change
    assert not may_change or issubclass(shown.form, SeenForm)
