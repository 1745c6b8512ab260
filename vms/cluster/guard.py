"""The check in front of every call that changes or shows a machine."""

import re

from vms.cluster.errors import Denied, NotBound, Refused, WrongMachine
from vms.cluster.reading import Reads
from vms.cluster.types import GuestConfig, GuestRef

STORAGE = re.compile(r"[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]")
BRIDGE = re.compile(r"[A-Za-z0-9_.-]{1,32}")
VOLID = re.compile(r"[A-Za-z][A-Za-z0-9._-]*:[^\s,;=]+")
OPTION = re.compile(r"[a-z][a-z0-9_-]{0,31}")
TAG = re.compile(r"[a-z0-9_][a-z0-9_.+-]*")
#: Displays of which QEMU's own screen can be shown; "none" and a serial line would leave the console black.
DISPLAY = re.compile(r"std|virtio|qxl|vmware|cirrus")
MAC = re.compile(r"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}")


class Guard(Reads):
    """Whatever the token may do, nothing is sent for a machine that is not the one meant, in the pool meant."""

    def verified(self, ref: GuestRef, *, may_lack_pool_right: bool = False) -> GuestConfig:
        """The machine's settings, once Proxmox shows that it is this one and in this pool.

        NotBound, WrongMachine or NoSuchGuest otherwise. `may_lack_pool_right`: the console's token cannot see pools;
        the uuid, which belongs to a row that a pool binds, then has to do.
        """
        if not ref.poolid or not ref.uuid:
            raise NotBound("No bound pool or no uuid was named.")
        config = self._config_of(ref)
        if config.uuid != ref.uuid.lower():
            raise WrongMachine(ref.uuid, config.uuid)
        self._require_member(ref, may_lack_pool_right=may_lack_pool_right)
        return config

    def _config_of(self, ref: GuestRef) -> GuestConfig:
        """A token with rights on pools alone is denied a machine that is gone or was moved out; say so."""
        try:
            return self.guest_config(ref.node, ref.vmid)
        except Denied as error:
            if ref.vmid in self.pool_members(ref.poolid):
                raise
            raise NotBound(f"{ref.vmid} is not in pool {ref.poolid}.", status=error.status) from error

    def _require_member(self, ref: GuestRef, *, may_lack_pool_right: bool) -> None:
        try:
            members = self.pool_members(ref.poolid)
        except Denied:
            if may_lack_pool_right:
                return
            raise
        if ref.vmid not in members:
            raise NotBound(f"{ref.vmid} is not in pool {ref.poolid}.")

    def require_slot(self, vmid: int, poolid: str) -> None:
        """A new machine goes into a bound pool and a slot of our range; NotBound or Refused otherwise."""
        first, last = self.line.config.vmid_range
        if not poolid:
            raise NotBound("No bound pool was named.")
        if not first <= vmid <= last:
            raise Refused(f"{vmid} is outside {first}-{last}.", {"vmid": f"outside {first}-{last}"})


def require_words(**found: tuple[str, re.Pattern[str]]) -> None:
    """Refuse what would end a property string and begin another option; names the parameter."""
    for name, (text, accepted) in found.items():
        if not accepted.fullmatch(text):
            raise Refused(f"{name}: {text!r} is not accepted.", {name: "has characters that are not accepted"})
