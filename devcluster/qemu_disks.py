"""The disks of real guests: one qcow2 file for each volume, clones as overlays, by qemu-img."""

import asyncio
import contextlib
from pathlib import Path
from urllib.parse import quote

from devcluster.machines import MachineError

SMALL_LINUX = "small-linux.iso"


class Disks:
    """`folder` holds the volumes; `images` what guests start from (grub-rescue.iso, small-linux.iso)."""

    def __init__(self, folder: Path, images: Path) -> None:
        self._folder = folder
        self._images = images

    def path(self, volid: str) -> Path:
        return self._folder / f"{quote(volid, safe='')}.qcow2"

    def image(self, volid: str) -> Path | None:
        """The file of an ISO volume such as `local:iso/grub-rescue.iso`; None if we have no such disc."""
        path = self._images / volid.rpartition("/")[2]
        return path if path.exists() else None

    def holds_linux(self, volid: str) -> bool:
        """Whether the small Linux was installed on this disk, or on the one it was cloned from."""
        return self._mark(volid).exists()

    async def make(self, volid: str, size_bytes: int) -> None:
        await self._create(volid, size_bytes)

    async def install(self, volid: str, size_bytes: int) -> None:
        """A disk that begins with the small Linux: the hybrid disc lies under it."""
        await self._create(volid, size_bytes, backing=self._images / SMALL_LINUX, backing_format="raw")
        self._mark(volid).touch()

    async def overlay(self, volid: str, size_bytes: int, base: str) -> None:
        await self.ensure(base, size_bytes)
        await self._create(volid, size_bytes, backing=self.path(base), backing_format="qcow2")
        self._inherit(volid, base)

    async def copy(self, volid: str, size_bytes: int, source: str) -> None:
        await self.ensure(source, size_bytes)
        await _qemu_img("convert", "-O", "qcow2", str(self.path(source)), str(self.path(volid)))
        await self.grow(volid, size_bytes)
        self._inherit(volid, source)

    async def grow(self, volid: str, size_bytes: int) -> None:
        await _qemu_img("resize", "-q", str(self.path(volid)), str(size_bytes))

    async def snapshot(self, volid: str, name: str) -> None:
        """One of that name that is left over goes."""
        with contextlib.suppress(MachineError):
            await _qemu_img("snapshot", "-d", name, str(self.path(volid)))
        await _qemu_img("snapshot", "-c", name, str(self.path(volid)))

    async def roll_back(self, volid: str, name: str) -> None:
        await _qemu_img("snapshot", "-a", name, str(self.path(volid)))

    def drop(self, volid: str) -> None:
        self.path(volid).unlink(missing_ok=True)
        self._mark(volid).unlink(missing_ok=True)

    def rename(self, volid: str, new_volid: str) -> None:
        if self.path(volid).exists():
            self.path(volid).rename(self.path(new_volid))
        self._inherit(new_volid, volid)
        self._mark(volid).unlink(missing_ok=True)

    async def ensure(self, volid: str, size_bytes: int) -> None:
        """A disk from a time without QEMU was never made; it is taken to hold the small Linux."""
        if not self.path(volid).exists():
            await self.install(volid, size_bytes)

    def _mark(self, volid: str) -> Path:
        return self.path(volid).with_suffix(".small-linux")

    def _inherit(self, volid: str, source: str) -> None:
        if self.holds_linux(source):
            self._mark(volid).touch()

    async def _create(
        self, volid: str, size_bytes: int, *, backing: Path | None = None, backing_format: str = ""
    ) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        under = ["-b", str(backing), "-F", backing_format] if backing else []
        await _qemu_img("create", "-q", "-f", "qcow2", *under, str(self.path(volid)), str(size_bytes))


async def _qemu_img(*words: str) -> None:
    """Raises MachineError with qemu-img's last line."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("qemu-img", *words, stdout=pipe, stderr=pipe)
    _, complaint = await process.communicate()
    if process.returncode != 0:
        raise MachineError((complaint.decode(errors="replace").strip().splitlines() or ["qemu-img failed"])[-1])
