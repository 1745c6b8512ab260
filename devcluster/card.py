"""Guests without QEMU: a painted test card that echoes keys, and the room that keeps such machines."""

import asyncio
import socket
from collections.abc import Callable
from functools import cached_property

from devcluster.card_picture import Picture
from devcluster.clock import Clock
from devcluster.machines import MachineError
from devcluster.screen import Input, Session
from devcluster.state import Guest, Power

ENTER, BACKSPACE = 0xFF0D, 0xFF08


def character_of(keysym: int) -> str | None:
    """What a key writes: Latin-1 keysyms are their own character."""
    if keysym == ENTER:
        return "\n"
    if keysym == BACKSPACE:
        return "\b"
    return chr(keysym) if 0x20 <= keysym <= 0x7E or 0xA0 <= keysym <= 0xFF else None


class CardMachine:
    """Runs nothing; it has a real screen, and its serial line repeats each line typed, as the small Linux does."""

    def __init__(self, guest: Guest, clock: Clock) -> None:
        self._guest = guest
        self._clock = clock
        self._power: Power = guest.power
        self._on_exit: Callable[[], None] = lambda: None
        self._password: tuple[str, float] | None = None
        self._sessions: dict[Session, asyncio.Task[None]] = {}
        self._events: list[dict[str, object]] = []
        self._line = ""
        self._serial = ""
        self.repaints_per_s = 0
        self.ssh_port = 0

    # power

    async def start(self, on_exit: Callable[[], None]) -> None:
        self._on_exit = on_exit
        self._power = "running"
        self._serial = f"card {self._guest.name} started\n"
        self._begin_anew()

    async def stop(self) -> None:
        self._power = "stopped"
        self.repaints_per_s = 0
        for session in list(self._sessions):
            session.close()

    async def shutdown(self) -> None:
        if self._guest.obeys_shutdown and self._power == "running":
            await self.stop()
            self._on_exit()

    async def reset(self) -> None:
        self._begin_anew()

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

    def _begin_anew(self) -> None:
        self._line = ""
        if "picture" in self.__dict__:
            self.picture.clear()

    @cached_property
    def picture(self) -> Picture:
        """Painted when it is first needed: thousands of machines are never looked at."""
        return Picture(f"{self._guest.name} (vm{self._guest.vmid})")

    # what tests read

    def serial_text(self) -> str:
        return self._serial

    def events(self) -> list[dict[str, object]]:
        return list(self._events)

    # screen

    @property
    def screen_name(self) -> str:
        return f"card (vm{self._guest.vmid})"

    async def vnc(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._power == "stopped":
            raise MachineError(f"VM {self._guest.vmid} not running")
        ours, theirs = socket.socketpair()
        session = Session(self, *await asyncio.open_connection(sock=ours))
        task = asyncio.create_task(session.run())
        self._sessions[session] = task
        task.add_done_callback(lambda _: self._sessions.pop(session, None))
        return await asyncio.open_connection(sock=theirs)

    async def set_vnc_password(self, password: str, valid_s: float) -> None:
        self._password = (password, self._clock.now() + valid_s)

    async def firehose(self, fps: int) -> None:
        self.repaints_per_s = fps
        for session in self._sessions:
            session.wake()

    async def copy(self, text: str) -> None:
        """As a guest does whose user copied this."""
        for session in self._sessions:
            session.copy(text)

    def password(self) -> str | None:
        if self._password is None or self._clock.now() >= self._password[1]:
            return None
        return self._password[0]

    def claim(self, session: Session) -> None:
        for other in self._sessions:
            if other is not session:
                other.close()

    def take(self, event: Input) -> None:
        self._events.append({"n": len(self._events) + 1, "at": self._clock.now(), **vars(event)})
        character = character_of(event.keysym) if event.down else None
        if character is None:
            return
        self.picture.type(character)
        if character == "\n":
            self._serial += f"typed: {self._line}\n"
            self._line = ""
        else:
            self._line = self._line[:-1] if character == "\b" else self._line + character


class CardRoom:
    """Keeps painted cards, and no disks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._machines: dict[int, tuple[Guest, CardMachine]] = {}

    def machine(self, guest: Guest) -> CardMachine:
        held = self._machines.get(guest.vmid)
        if held is None or held[0] is not guest:
            held = (guest, CardMachine(guest, self._clock))
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
        for _, machine in self._machines.values():
            await machine.stop()
