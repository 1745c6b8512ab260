"""Which kind of machines this stand-in has."""

import sys
from pathlib import Path

from devcluster.card import CardRoom
from devcluster.clock import Clock
from devcluster.machines import MachineRoom
from devcluster.qemu import QemuRoom, missing

GUESTS = Path(__file__).resolve().parent.parent / "build" / "guests"


def choose_room(qemu: str, data: Path, images: Path, clock: Clock) -> MachineRoom:
    """`never` paints cards, `auto` runs QEMU where it and its guests are there, `require` insists on them.

    Raises RuntimeError when QEMU is required and something is missing."""
    if qemu == "never":
        return CardRoom(clock)
    lack = missing(images)
    if lack is None:
        return QemuRoom(data, images)
    if qemu == "require":
        raise RuntimeError(f"no real guests: {lack}")
    print(f"devcluster: guests are painted test cards, because {lack}", file=sys.stderr)  # noqa: T201
    return CardRoom(clock)


def guests_of(room: MachineRoom) -> str:
    """What ready.json says its guests are: `card` or `qemu`."""
    return "card" if isinstance(room, CardRoom) else "qemu"
