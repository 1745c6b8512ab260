"""Disk sizes and the property strings of drives, as Proxmox writes them."""

import re
from dataclasses import dataclass, field

GIB = 1024**3
UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": GIB, "T": 1024 * GIB}
SLOT = re.compile(r"^(ide[0-3]|sata[0-5]|scsi(?:[12]?\d|30)|virtio(?:\d|1[0-5])|efidisk0|tpmstate0|unused\d{1,3})$")
SLOTS = (
    [f"ide{n}" for n in range(4)]
    + [f"scsi{n}" for n in range(31)]
    + [f"virtio{n}" for n in range(16)]
    + [f"sata{n}" for n in range(6)]
    + ["efidisk0", "tpmstate0"]
)
SIZE = re.compile(r"^(\d+(?:\.\d+)?)([KMGT]?)$")


def parse_size(text: str) -> int | None:
    """Bytes of `32G`, `528M`, `4M`, `1.5T` or bare bytes; None if it is none of these."""
    found = SIZE.match(text)
    return int(float(found.group(1)) * UNITS[found.group(2)]) if found else None


def format_size(size_bytes: int) -> str:
    """The largest unit that divides the size."""
    for unit in ("T", "G", "M", "K"):
        if size_bytes and size_bytes % UNITS[unit] == 0 and not (unit == "T" and size_bytes % UNITS["T"]):
            return f"{size_bytes // UNITS[unit]}{unit}"
    return str(size_bytes)


@dataclass
class Drive:
    """`file` is a volume id or `none`; `options` keep their order."""

    file: str
    options: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> "Drive":
        first, *rest = text.split(",")
        options = dict(part.partition("=")[::2] for part in rest if part)
        file = first.removeprefix("file=").removeprefix("volume=")
        return cls(file, options)

    def __str__(self) -> str:
        return ",".join([self.file, *(f"{name}={value}" for name, value in self.options.items())])

    @property
    def is_cdrom(self) -> bool:
        return self.options.get("media") == "cdrom"

    @property
    def is_cloudinit(self) -> bool:
        return self.is_cdrom and "cloudinit" in self.file

    @property
    def storage(self) -> str:
        return self.file.partition(":")[0] if ":" in self.file else ""

    @property
    def size_bytes(self) -> int:
        return parse_size(self.options.get("size", "")) or 0


def disks(config: dict[str, str]) -> dict[str, Drive]:
    """Every slot that holds a disk of the guest; CD-ROM drives are not, a cloud-init drive is not."""
    found = {slot: Drive.parse(value) for slot, value in config.items() if SLOT.match(slot)}
    return {slot: drive for slot, drive in found.items() if not drive.is_cdrom}


def boot_disk_bytes(config: dict[str, str]) -> int:
    order = re.findall(r"[a-z]+\d+", config.get("boot", ""))
    present = disks(config)
    for slot in [*order, *sorted(present)]:
        if slot in present and not slot.startswith("unused"):
            return present[slot].size_bytes
    return 0
