"""For tests of hardware: a machine whose row knows its devices, and the requests as alice makes them."""

import uuid
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from tests.vms.operations.workshop import Workshop
from vms.cluster import cluster
from vms.mirror.apply import apply_guest
from vms.models import Operation, VirtualMachine

SECOND_DISK = "shared:vm-77-disk-7"


class Bench:
    """One machine. `truth` is what the stand-in has; `row` what a page shows."""

    def __init__(self, shop: Workshop, **asked: Any) -> None:
        self.shop = shop
        self.vm = shop.machine(**asked)
        self.read()

    @property
    def who(self) -> dict[str, Any]:
        """Alice at her desk, with the number of a new form."""
        return {"by": self.shop.cast.alice, "address": "192.0.2.7", "key": uuid.uuid4().hex}

    @property
    def row(self) -> VirtualMachine:
        """The row as it is now."""
        return VirtualMachine.objects.select_related("pool__owner").get(pk=self.vm.pk)

    @property
    def truth(self) -> dict[str, Any]:
        """The machine in the cluster: config and pending as Proxmox keeps them."""
        found: dict[str, Any] = self.shop.cluster.all_guests()[self.vm.vmid or 0]
        return found

    @property
    def config(self) -> dict[str, str]:
        """What is in force."""
        found: dict[str, str] = self.truth["config"]
        return found

    @property
    def pending(self) -> dict[str, str | None]:
        """What waits; None for what will be removed."""
        found: dict[str, str | None] = self.truth["pending"]
        return found

    def read(self) -> VirtualMachine:
        """As the mirror does."""
        row = self.row
        proxmox = cluster()
        where = row.node, row.vmid or 0
        apply_guest(row, proxmox.guest_config(*where), proxmox.guest_status(*where), timezone.now())
        return row

    def ask(self, request: Callable[..., Operation], **asked: Any) -> Operation:
        """Alice sends the form as she saw it."""
        digest = asked.pop("digest", None)
        return request(self.row, digest=self.row.config_digest if digest is None else digest, **asked, **self.who)

    def do(self, request: Callable[..., Operation], **asked: Any) -> Operation:
        """The same, and workers see to it."""
        return self.shop.work(self.ask(request, **asked))
