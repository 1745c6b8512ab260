"""Plain factories for rows; every default is harmless."""

import itertools
import uuid
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import Pool, User
from vms.models import IsoImage, MirrorRun, Node, Operation, Template, VirtualMachine
from vms.states import Lifecycle, OperationKind, OperationState, Power

_numbers = itertools.count(1)


def make_vm(pool: Pool | None, name: str = "", **columns: Any) -> VirtualMachine:
    """A READY machine, stopped, one core, 512 MiB, 4 GiB, seen just now."""
    n = next(_numbers)
    defaults: dict[str, Any] = {
        "name": name or f"vm-{n}",
        "lifecycle": Lifecycle.READY,
        "smbios_uuid": uuid.uuid4(),
        "vmid": 20_000 + n,
        "node": "pve1",
        "power": Power.STOPPED,
        "cores": 1,
        "memory_mib": 512,
        "disk_gib": 4,
        "last_seen": timezone.now(),
    }
    defaults |= columns
    defaults.setdefault("last_known_power", defaults["power"])
    return VirtualMachine.objects.create(pool=pool, **defaults)


def make_operation(vm: VirtualMachine, actor: User | None = None, **columns: Any) -> Operation:
    """A QUEUED start of this machine."""
    assert vm.pool is not None
    defaults: dict[str, Any] = {
        "kind": OperationKind.START,
        "state": OperationState.QUEUED,
        "actor_name": actor.username if actor else "portal",
        "idempotency_key": uuid.uuid4().hex,
    }
    return Operation.objects.create(vm=vm, pool=vm.pool, actor=actor, **(defaults | columns))


def make_node(name: str = "pve1", **columns: Any) -> Node:
    """A node that answers."""
    defaults: dict[str, Any] = {
        "is_online": True,
        "cpus": 16,
        "memory_mib": 65_536,
        "memory_used_mib": 8_192,
        "last_seen": timezone.now(),
    }
    return Node.objects.create(name=name, **(defaults | columns))


def make_template(name: str = "debian-12", **columns: Any) -> Template:
    """A template with cloud-init, one core, 512 MiB, 4 GiB."""
    defaults: dict[str, Any] = {
        "smbios_uuid": uuid.uuid4(),
        "vmid": 9_000 + next(_numbers),
        "node": "pve1",
        "cores": 1,
        "memory_mib": 512,
        "disk_gib": 4,
        "disk_slot": "scsi0",
        "storage": "shared",
        "has_cloud_init": True,
        "cloud_init_user": "debian",
        "last_seen": timezone.now(),
    }
    return Template.objects.create(name=name, **(defaults | columns))


def make_iso(name: str = "grub-rescue.iso", **columns: Any) -> IsoImage:
    """An ISO on every node's `local`."""
    defaults: dict[str, Any] = {"volid": f"local:iso/{name}", "node": "pve1", "size_bytes": 5_000_000}
    return IsoImage.objects.create(name=name, **(defaults | {"last_seen": timezone.now()} | columns))


def make_reading(at: datetime | None = None, **columns: Any) -> MirrorRun:
    """A complete reading of the cluster, finished at `at` (now)."""
    at = at or timezone.now()
    defaults: dict[str, Any] = {"started_at": at, "finished_at": at, "is_complete": True, "answered": True}
    return MirrorRun.objects.create(**(defaults | columns))
