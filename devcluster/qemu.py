"""Guests that really run: one QEMU process each, driven over QMP, and the room that keeps them and their disks."""

import asyncio
import contextlib
import ctypes
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from devcluster.cloud_seed import make_disc
from devcluster.drives import GIB, Drive, disks
from devcluster.machines import INSTALLED, MachineError
from devcluster.qemu_command import PROGRAM, DirectBoot, Medium, Places, command_line, in_boot_order
from devcluster.qemu_disks import SMALL_LINUX, Disks
from devcluster.qmp import Qmp, QmpError
from devcluster.state import Guest, Power

LIBC = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1
START_S = 20.0
QUIT_S = 5.0
LONGEST_RUN_FOLDER = 60
KERNEL, INITRAMFS, RESCUE = "vmlinuz", "initramfs.gz", "grub-rescue.iso"


def missing(images: Path) -> str | None:
    """What real guests lack on this machine, as a sentence; None if nothing."""
    for program in (PROGRAM, "qemu-img", "xorriso"):
        if shutil.which(program) is None:
            return f"the program {program} is missing"
    absent = [name for name in (KERNEL, INITRAMFS, RESCUE, SMALL_LINUX) if not (images / name).exists()]
    return f"{', '.join(absent)} not found in {images}; devcluster/guest_images.py makes them" if absent else None


def _in_child() -> None:
    """No guest outlives the stand-in."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    """A loopback port that nobody has right now."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


class QemuMachine:
    def __init__(self, guest: Guest, disks_: Disks, images: Path, run_folder: Path) -> None:
        self._guest = guest
        self._disks = disks_
        self._images = images
        self._places = Places(
            *(run_folder / f"{guest.vmid}-{id(guest):x}.{name}" for name in ("qmp", "vnc", "serial", "seed"))
        )
        self._process: asyncio.subprocess.Process | None = None
        self._qmp: Qmp | None = None
        self._power: Power = "stopped"
        self._watcher: asyncio.Task[None] | None = None
        self._expected_end = False
        self.ssh_port = 0
        self.attached: dict[str, str] = {}

    # power

    async def start(self, on_exit: Callable[[], None]) -> None:
        if self._power != "stopped":
            return
        media = {slot: await self._medium(slot) for slot in in_boot_order(self._guest.config)}
        self.ssh_port = free_port() if self._guest.lends_ssh else 0
        words = command_line(self._guest, self._places, media, self._direct_boot(), ssh_port=self.ssh_port)
        for path in (self._places.qmp, self._places.vnc, self._places.serial):
            path.unlink(missing_ok=True)
        self._expected_end = False
        self._process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_in_child,
        )
        self._qmp = await self._connected(self._process)
        self.attached = {medium.volid: slot for slot, medium in media.items() if not medium.is_cdrom}
        self._power = "running"
        self._watcher = asyncio.create_task(self._watch(self._process, on_exit))

    async def _connected(self, process: asyncio.subprocess.Process) -> Qmp:
        """QMP answers and says "running". Raises MachineError with QEMU's own complaint if it ends before."""
        deadline = time.monotonic() + START_S
        while process.returncode is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError, QmpError):
                qmp = await Qmp.open(self._places.qmp, self._on_event)
                if (await qmp.execute("query-status"))["status"] == "running":
                    return qmp
                await qmp.close()
            await asyncio.sleep(0.02)
        if process.returncode is None:
            process.kill()
        _, complaint = await process.communicate()
        raise MachineError((complaint.decode(errors="replace").strip().splitlines() or ["QEMU did not start"])[-1])

    async def _watch(self, process: asyncio.subprocess.Process, on_exit: Callable[[], None]) -> None:
        """The guest powered off or QEMU died: both end the process, and only an end nobody asked for is told."""
        await process.communicate()
        self._power = "stopped"
        self.attached = {}
        if self._qmp is not None:
            await self._qmp.close()
            self._qmp = None
        if not self._expected_end:
            on_exit()

    async def stop(self) -> None:
        process, self._expected_end = self._process, True
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(QmpError, MachineError):
            await self._ask("quit")
        try:
            await asyncio.wait_for(process.wait(), QUIT_S)
        except TimeoutError:
            process.kill()
        if self._watcher is not None:
            await self._watcher

    async def shutdown(self) -> None:
        with contextlib.suppress(MachineError):
            await self._ask("system_powerdown")

    async def reset(self) -> None:
        await self._ask("system_reset")

    async def suspend(self) -> None:
        await self._ask("stop")
        self._power = "paused"

    async def resume(self) -> None:
        await self._ask("cont")
        self._power = "running"

    def power(self) -> Power:
        return self._power

    def _on_event(self, name: str, data: dict[str, object]) -> None:
        if name == "STOP" and self._power == "running":
            self._power = "paused"
        elif name == "RESUME" and self._power == "paused":
            self._power = "running"

    async def _ask(self, command: str, **arguments: object) -> object:
        if self._qmp is None:
            raise MachineError(f"VM {self._guest.vmid} not running")
        try:
            return await self._qmp.execute(command, **arguments)
        except QmpError as refusal:
            raise MachineError(f"VM {self._guest.vmid} {refusal}") from None

    # drives

    async def _medium(self, slot: str) -> Medium:
        drive = Drive.parse(self._guest.config[slot])
        if drive.is_cloudinit:
            await make_disc(self._places.cloud_seed, self._guest.name, self._guest.in_image)
            return Medium(self._places.cloud_seed, "raw", True, drive.file)
        if drive.is_cdrom:
            return Medium(self._disks.image(drive.file), "raw", True, drive.file)
        await self._disks.ensure(drive.file, drive.size_bytes or GIB)
        return Medium(self._disks.path(drive.file), "qcow2", False, drive.file)

    def _direct_boot(self) -> DirectBoot | None:
        """Where the first drive with something to boot from holds the small Linux, on disk or disc."""
        for slot in in_boot_order(self._guest.config):
            drive = Drive.parse(self._guest.config[slot])
            disc = self._disks.image(drive.file) if drive.is_cdrom and not drive.is_cloudinit else None
            if disc is not None and disc.name != SMALL_LINUX:
                return None
            if disc is not None or (not drive.is_cdrom and self._disks.holds_linux(drive.file)):
                return DirectBoot(self._images / KERNEL, self._images / INITRAMFS)
        return None

    async def grow(self, volid: str, size_bytes: int) -> None:
        """While it runs QEMU holds the disk, so QEMU grows it."""
        await self._ask("block_resize", device=f"drive-{self.attached[volid]}", size=size_bytes)

    async def save(self, name: str) -> None:
        """Disks only; what a running guest has in memory is not kept. One of that name that is left over goes."""
        for slot, drive in disks(self._guest.config).items():
            if self._power == "stopped":
                await self._disks.snapshot(drive.file, name)
            elif drive.file in self.attached:
                where = {"device": f"drive-{slot}", "name": name}
                with contextlib.suppress(MachineError):
                    await self._ask("blockdev-snapshot-delete-internal-sync", **where)
                await self._ask("blockdev-snapshot-internal-sync", **where)

    async def load(self, name: str) -> None:
        for drive in disks(self._guest.config).values():
            await self._disks.roll_back(drive.file, name)

    # what people and tests see

    def serial_text(self) -> str:
        try:
            return self._places.serial.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def events(self) -> list[dict[str, object]]:
        """QEMU tells nobody which keys came in; the guest does, on its serial line."""
        return []

    async def vnc(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_unix_connection(str(self._places.vnc))
        except OSError as error:
            raise MachineError(f"VM {self._guest.vmid} not running") from error

    async def set_vnc_password(self, password: str, valid_s: float) -> None:
        await self._ask("set_password", protocol="vnc", password=password)
        await self._ask("expire_password", protocol="vnc", time=f"+{max(1, round(valid_s))}")

    async def firehose(self, fps: int) -> None:
        """A real guest paints what it likes."""

    async def copy(self, text: str) -> None:
        """A real guest copies when its own user does."""


def _run_folder(wanted: Path) -> Path:
    """Where sockets can be: their paths may not be longer than about a hundred characters."""
    if len(str(wanted)) > LONGEST_RUN_FOLDER:
        return Path(tempfile.mkdtemp(prefix="devcluster-"))
    shutil.rmtree(wanted, ignore_errors=True)
    wanted.mkdir(parents=True, mode=0o700)
    return wanted


class QemuRoom:
    """Disks in `data`/disks, sockets and serial lines in `data`/run."""

    def __init__(self, data: Path, images: Path) -> None:
        self._images = images.resolve()
        self._disks = Disks(data.resolve() / "disks", self._images)
        self._run_folder = _run_folder(data.resolve() / "run")
        self._machines: dict[int, tuple[Guest, QemuMachine]] = {}

    def machine(self, guest: Guest) -> QemuMachine:
        held = self._machines.get(guest.vmid)
        if held is None or held[0] is not guest:
            held = (guest, QemuMachine(guest, self._disks, self._images, self._run_folder))
            self._machines[guest.vmid] = held
        return held[1]

    async def make_disk(self, volid: str, size_bytes: int, backing: str | None, copy_of: str | None) -> None:
        if "cloudinit" in volid:
            await self._disks.make(volid, size_bytes)
        elif copy_of == INSTALLED:
            await self._disks.install(volid, size_bytes)
        elif backing is not None:
            await self._disks.overlay(volid, size_bytes, backing)
        elif copy_of is not None:
            await self._disks.copy(volid, size_bytes, copy_of)
        else:
            await self._disks.make(volid, size_bytes)

    async def grow_disk(self, volid: str, size_bytes: int) -> None:
        user = next((one for _, one in self._machines.values() if volid in one.attached), None)
        if user is not None:
            await user.grow(volid, size_bytes)
        else:
            await self._disks.grow(volid, size_bytes)

    async def drop_disk(self, volid: str) -> None:
        self._disks.drop(volid)

    async def rename_disk(self, volid: str, new_volid: str) -> None:
        self._disks.rename(volid, new_volid)

    async def close(self) -> None:
        await asyncio.gather(*(machine.stop() for _, machine in self._machines.values()))
        shutil.rmtree(self._run_folder, ignore_errors=True)
