"""What runs behind a guest: the interface, and the machine that only pretends.

`MachineRoom` is given to the cluster at start. The API only speaks to these two protocols; QEMU processes
and painted cards implement them elsewhere.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from devcluster.state import Guest, Power

# Given as `copy_of`: a disk on which the small Linux is installed, where the room has one.
INSTALLED = "small-linux"


class MachineError(Exception):
    """The machine could not do it; the text becomes the exit text of the task."""


class Machine(Protocol):
    """One guest's running hardware. Created by the room at the first start, dropped when the guest is deleted.

    `ssh_port` is the loopback port that leads to the SSH server of a running guest that lends it; else 0."""

    ssh_port: int

    async def start(self, on_exit: Callable[[], None]) -> None:
        """Run with guest.config as it is now. `on_exit` is called when it ends by itself (guest powered off, crash).

        Raises MachineError."""

    async def stop(self) -> None:
        """Pull the plug; nothing to do if it is off. Does not call on_exit."""

    async def shutdown(self) -> None:
        """Press the power button (ACPI) and return at once; on_exit tells when the guest obeyed."""

    async def reset(self) -> None: ...

    async def suspend(self) -> None: ...

    async def resume(self) -> None: ...

    async def save(self, name: str) -> None:
        """A snapshot of disks (and memory where it runs). Raises MachineError."""

    async def load(self, name: str) -> None: ...

    def power(self) -> Power:
        """What the machine is in truth at this moment."""

    def serial_text(self) -> str:
        """All text the guest has written to its serial line since it was started."""

    def events(self) -> list[dict[str, object]]:
        """Key and pointer events that reached the screen: {n, kind, keysym, down, at}."""

    async def vnc(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A fresh raw RFB connection to its screen. Raises MachineError when it is off or has no screen."""

    async def set_vnc_password(self, password: str, valid_s: float) -> None:
        """The one password of this machine's screen, for so many seconds."""

    async def firehose(self, fps: int) -> None:
        """Repaint without end; 0 stops."""

    async def copy(self, text: str) -> None:
        """Tell every viewer that this was copied in the machine."""


class MachineRoom(Protocol):
    """Where machines and their disks are kept."""

    def machine(self, guest: Guest) -> Machine: ...

    async def make_disk(self, volid: str, size_bytes: int, backing: str | None, copy_of: str | None) -> None:
        """An empty disk, an overlay of `backing`, or a full copy of `copy_of`."""

    async def grow_disk(self, volid: str, size_bytes: int) -> None: ...

    async def drop_disk(self, volid: str) -> None: ...

    async def rename_disk(self, volid: str, new_volid: str) -> None:
        """A disk becomes the base volume of a template, under its new name."""

    async def close(self) -> None:
        """Stop everything that runs."""


class NullMachine:
    """No process at all: changes state at once, has an empty serial line and no screen."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._power: Power = "stopped"
        self._on_exit: Callable[[], None] = lambda: None
        self.ssh_port = 0

    async def start(self, on_exit: Callable[[], None]) -> None:
        self._on_exit = on_exit
        self._power = "running"

    async def stop(self) -> None:
        self._power = "stopped"

    async def shutdown(self) -> None:
        small_linux = any("small-linux" in value for value in self._guest.config.values())
        if (self._guest.obeys_shutdown or small_linux) and self._power == "running":
            self._power = "stopped"
            self._on_exit()

    async def reset(self) -> None:
        return None

    async def suspend(self) -> None:
        self._power = "paused"

    async def resume(self) -> None:
        self._power = "running"

    async def save(self, name: str) -> None:
        return None

    async def load(self, name: str) -> None:
        return None

    def power(self) -> Power:
        return self._power

    def serial_text(self) -> str:
        return ""

    def events(self) -> list[dict[str, object]]:
        return []

    async def vnc(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        raise MachineError("Failed to run vncproxy.")

    async def set_vnc_password(self, password: str, valid_s: float) -> None:
        return None

    async def firehose(self, fps: int) -> None:
        return None

    async def copy(self, text: str) -> None:
        return None


class NullRoom:
    """Keeps machines that pretend, and no disks."""

    def __init__(self) -> None:
        self._machines: dict[int, tuple[Guest, NullMachine]] = {}

    def machine(self, guest: Guest) -> NullMachine:
        held = self._machines.get(guest.vmid)
        if held is None or held[0] is not guest:
            held = (guest, NullMachine(guest))
            self._machines[guest.vmid] = held
        return held[1]

    async def make_disk(self, volid: str, size_bytes: int, backing: str | None, copy_of: str | None) -> None:
        return None

    async def grow_disk(self, volid: str, size_bytes: int) -> None:
        return None

    async def drop_disk(self, volid: str) -> None:
        return None

    async def rename_disk(self, volid: str, new_volid: str) -> None:
        return None

    async def close(self) -> None:
        return None
