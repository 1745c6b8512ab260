"""What tests of growing machines have in common: who asks, how much there is, and what the cluster has."""

from typing import Any

from quotas.models import Policy
from tests.vms.operations.workshop import Workshop
from vms.cluster import cluster
from vms.mirror.apply import apply_guest
from vms.models import VirtualMachine

HUGE = 10**30


def who(shop: Workshop, key: str = "the-key-0001") -> dict[str, Any]:
    return {"by": shop.cast.alice, "address": "192.0.2.7", "key": key}


def fresh(vm: VirtualMachine) -> VirtualMachine:
    return VirtualMachine.objects.select_related("pool").get(pk=vm.pk)


def allow(**numbers: int | bool | None) -> None:
    """The default policy of the test; what is not named is unlimited."""
    Policy.objects.update_or_create(is_default=True, defaults={"name": "default", **numbers})


def known(shop: Workshop, **asked: Any) -> VirtualMachine:
    """A machine whose settings the row knows."""
    vm = shop.machine(**asked)
    proxmox = cluster()
    config = proxmox.guest_config(vm.node, vm.vmid or 0)
    apply_guest(vm, config, proxmox.guest_status(vm.node, vm.vmid or 0), vm.last_seen or vm.created_at)
    return fresh(vm)


def config(shop: Workshop, vm: VirtualMachine) -> dict[str, str]:
    """What the cluster has set for it."""
    found: dict[str, str] = shop.cluster.all_guests()[vm.vmid or 0]["config"]
    return found
