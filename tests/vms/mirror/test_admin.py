"""What RTPs decide in the admin."""

import re

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Pool, User
from quotas.footprint import Usage
from quotas.usage import usage
from tests.factories import make_reading, make_template
from tests.sign_in import sign_in
from tests.vms.mirror.house import House
from vms.mirror.alarm import is_released
from vms.operations.errors import Refusal
from vms.operations.missing import settle_missing
from vms.states import Lifecycle


def signed_in(user: User) -> Client:
    """A browser of theirs."""
    return sign_in(Client(), user)


def act(user: User, model: str, action: str, *pks: int) -> int:
    """Runs an action on rows of a list; the status."""
    url = reverse(f"admin:vms_{model}_changelist")
    answer = signed_in(user).post(url, {"action": action, "_selected_action": [str(pk) for pk in pks]}, secure=True)
    return answer.status_code


def test_an_rtp_binds_the_pool_of_a_machine(house: House) -> None:
    vm = house.adopted(pool="old-team")
    assert act(house.cast.rita, "virtualmachine", "bind_their_pools", vm.pk) == 302
    house.cycle(2)
    vm.refresh_from_db()
    assert vm.pool == Pool.objects.get(proxmox_poolid="old-team")
    assert AuditEvent.objects.get(verb="pool.bound").actor == house.cast.rita


def test_nobody_else_does(house: House) -> None:
    vm = house.adopted(pool="old-team")
    assert act(house.cast.alice, "virtualmachine", "bind_their_pools", vm.pk) != 200
    assert not Pool.objects.filter(proxmox_poolid="old-team").exists()


def test_an_rtp_lets_removals_go_on(house: House) -> None:
    run = make_reading(frozen=True)
    act(house.cast.rita, "mirrorrun", "release_removal", run.pk)
    assert is_released()


def test_an_rtp_hides_a_template_and_gives_it_a_title(house: House) -> None:
    template = make_template()
    url = reverse("admin:vms_template_change", args=[template.pk])
    rita = signed_in(house.cast.rita)
    seen = re.findall(r'name="seen" value="(\w+)"', rita.get(url).content.decode())[0]
    rita.post(url, {"is_hidden": "on", "title": "Debian 12", "cores": "64", "seen": seen})
    template.refresh_from_db()
    assert (template.is_hidden, template.title, template.cores) == (True, "Debian 12", 1)
    assert AuditEvent.objects.get(verb="catalog.marked").actor == house.cast.rita


def test_an_rtp_settles_a_machine_that_is_gone(house: House) -> None:
    vm = house.adopted(disk_gib=8)
    assert act(house.cast.rita, "virtualmachine", "settle_as_gone", vm.pk) == 302
    vm.refresh_from_db()
    assert vm.lifecycle == Lifecycle.READY
    house.devcluster.destroy(vm.vmid or 0)
    house.long()
    act(house.cast.rita, "virtualmachine", "settle_as_gone", vm.pk)
    vm.refresh_from_db()
    assert (vm.lifecycle, usage(house.cast.alices.pk)) == (Lifecycle.GONE, Usage())
    assert AuditEvent.objects.get(verb="vm.settled_gone").actor == house.cast.rita


def test_nothing_is_settled_while_the_cluster_is_not_seen_whole(house: House) -> None:
    vm = house.adopted()
    house.devcluster.destroy(vm.vmid or 0)
    house.long()
    with house.devcluster.fault("node_down", node="pve3"):
        house.cycle()
    with pytest.raises(Refusal, match="not complete"):
        settle_missing(vm, house.cast.rita, house.at)
    with pytest.raises(PermissionDenied):
        settle_missing(vm, house.cast.alice, house.at)
