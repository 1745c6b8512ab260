"""The commands an administrator types."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from accounts.models import AuditEvent, Pool
from tests.vms.mirror.house import House
from vms.mirror.alarm import is_released
from vms.models import MirrorRun, Node, VirtualMachine


def said(*arguments: str) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_a_dry_run_prints_the_changes_and_writes_nothing(house: House) -> None:
    vmid = house.machine(name="web")["vmid"]
    text = said("sync_cluster", "--dry-run")
    assert f"appeared: web ({vmid}) alice" in text
    assert "Nothing was written." in text
    assert not VirtualMachine.objects.exists()
    assert not MirrorRun.objects.exists()


def test_one_pass_by_hand(house: House) -> None:
    house.machine(name="web")
    assert "1 changes written" in said("sync_cluster", "--catalog", "--release")
    assert is_released()


def test_a_node_taken_out_for_good_is_forgotten(house: House) -> None:
    house.cycle()
    Node.objects.create(name="pve9")
    assert house.cycle().silent_nodes == ["pve9"]
    with pytest.raises(CommandError, match="not a node that is silent"):
        said("sync_cluster", "--forget-node", "pve1")
    said("sync_cluster", "--forget-node", "pve9")
    assert house.cycle().is_complete


def test_a_cluster_that_is_not_there_is_named(house: House, settings: Settings) -> None:
    settings.PROXMOX_HOSTS = (("127.0.0.1", 1),)
    assert "does not answer" in said("sync_cluster")
    with pytest.raises(CommandError, match="127"):
        said("quota_audit")


def test_binding_lists_then_tries_then_writes(house: House) -> None:
    house.machine(pool="old-team")
    assert "old-team: 1 machines" in said("bind_pools")
    assert "would be bound to a new shared pool team" in said("bind_pools", "--bind", "old-team=team")
    assert not Pool.objects.filter(name="team").exists()
    assert "is bound to a new shared pool team" in said("bind_pools", "--bind", "old-team=team", "--write")
    assert Pool.objects.get(name="team").proxmox_poolid == "old-team"
    assert AuditEvent.objects.get(verb="pool.bound").detail == {"proxmox_pool": "old-team"}


@pytest.mark.parametrize("pair", ["nowhere=team", "old-team=alice"])
def test_one_pair_that_cannot_be_bound_stops_all(house: House, pair: str) -> None:
    house.machine(pool="old-team")
    house.machine(pool="second")
    with pytest.raises(CommandError, match="Nothing was bound"):
        said("bind_pools", "--bind", "second", "--bind", pair, "--write")
    assert not Pool.objects.filter(proxmox_poolid="second").exists()


def test_the_audit_finds_no_difference(house: House) -> None:
    for number in range(6):
        status = "running" if number % 2 else "stopped"
        house.machine(cores=number + 1, memory_mib=1024, disk_gib=8, status=status, pool=("alice", "bob")[number % 2])
    house.cycle(2)
    assert "6 machines, 0 differences" in said("quota_audit")


def test_the_audit_finds_what_drifted(house: House) -> None:
    vm = house.adopted(cores=2, status="running")
    VirtualMachine.objects.filter(pk=vm.pk).update(cores=1)
    with pytest.raises(CommandError, match="differ"):
        said("quota_audit")


def test_the_audit_does_not_guess_about_silent_machines(house: House) -> None:
    house.adopted(name="quiet", node="pve2", status="running")
    with house.devcluster.fault("node_down", node="pve2"):
        assert "Not answered or under way, so not compared with their pools: quiet." in said("quota_audit")
