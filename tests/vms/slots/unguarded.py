"""What the gateway would do without its comparison of uuid and pool: the control of the tests of slots."""

from typing import Any

from vms.cluster.guard import Guard
from vms.cluster.types import GuestConfig, GuestRef


def unguarded(self: Guard, ref: GuestRef, **_: Any) -> GuestConfig:
    """Whatever sits in the slot."""
    return self.guest_config(ref.node, ref.vmid)
