"""A stand-in cluster and the mirror's cycles over it, with a clock that both share."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from tests.cast import Cast
from tests.devcluster.cluster import DevCluster
from vms.cluster import Cluster, cluster
from vms.mirror.sync import sync
from vms.models import MirrorRun, VirtualMachine

SHORT = {"LIST_LAG_S": 0, "PROXMOX_READ_TIMEOUT_S": 3, "PROXMOX_ISO_STORAGE": "local,shared"}


@dataclass
class House:
    """`cycle` is one reading, 15 s after the one before."""

    cast: Cast
    devcluster: DevCluster
    at: datetime = field(default_factory=timezone.now)

    @property
    def cluster(self) -> Cluster:
        """The gateway as a worker would use it."""
        return cluster()

    def cycle(self, count: int = 1, seconds: float = 15) -> MirrorRun:
        """Reads the cluster, `count` times."""
        for _ in range(count):
            self.at += timedelta(seconds=seconds)
            self.devcluster.advance(seconds)
            run = sync(self.cluster, self.at)
        assert run is not None
        return run

    def long(self) -> MirrorRun:
        """Four readings over three minutes: enough for what is gone to count as missing."""
        return self.cycle(4, seconds=60)

    def machine(self, **wanted: Any) -> dict[str, Any]:
        """A machine made in Proxmox, in alice's pool unless said otherwise."""
        return self.devcluster.guest(**{"pool": "alice", **wanted})

    def row(self, vmid: int) -> VirtualMachine:
        """The row whose machine sits in that slot."""
        return VirtualMachine.objects.present().get(vmid=vmid)

    def adopted(self, **wanted: Any) -> VirtualMachine:
        """A machine of alice's pool that the mirror has read."""
        vmid = self.machine(**wanted)["vmid"]
        self.cycle()
        return self.row(vmid)
