"""From a machine's config to QEMU's command line: lean, without KVM, without a network.

A machine that lends its SSH port has a network card that reaches nothing: only the way in from a loopback port.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devcluster.drives import SLOT, Drive
from devcluster.state import Guest

PROGRAM = "qemu-system-x86_64"
MOST_CPUS = 2
MOST_MEMORY_MIB = 1024
KERNEL_LINE = "console=ttyS0 console=tty0 quiet"
#: As Proxmox gives it to QEMU where the display has clipboard=vnc.
CLIPBOARD = (
    "-device", "virtio-serial,id=spice", "-chardev", "qemu-vdagent,id=vdagent,name=vdagent,clipboard=on",
    "-device", "virtserialport,chardev=vdagent,name=com.redhat.spice.0",
)  # fmt: skip
BOOT_DEVICE = re.compile(r"[a-z]+\d+")


@dataclass(frozen=True)
class Places:
    """Files of one running machine."""

    qmp: Path
    vnc: Path
    serial: Path
    cloud_seed: Path


@dataclass(frozen=True)
class DirectBoot:
    """Kernel and initial file system, given to QEMU where the firmware would need half a minute to read them."""

    kernel: Path
    initramfs: Path


@dataclass(frozen=True)
class Medium:
    file: Path | None
    format: str
    is_cdrom: bool
    volid: str


FindMedium = Callable[[Drive], Medium]


def command_line(
    guest: Guest,
    places: Places,
    media: dict[str, Medium],
    direct: DirectBoot | None,
    accelerator: str = "tcg",
    *,
    ssh_port: int = 0,
) -> list[str]:
    """`media` by slot, as in the config. Cores and memory are cut to what a loopback cluster can spare."""
    words = [PROGRAM, "-name", f"vm{guest.vmid}", "-accel", accelerator, "-machine", "pc", "-nodefaults"]
    words += ["-no-user-config", "-display", "none", "-vga", _display(guest)]
    words += ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]
    words += ["-smp", str(min(guest.cores, MOST_CPUS)), "-m", str(min(guest.memory_mib, MOST_MEMORY_MIB))]
    words += ["-uuid", guest.uuid] if guest.uuid else []
    words += ["-qmp", f"unix:{places.qmp},server=on,wait=off", "-vnc", f"unix:{places.vnc},password=on"]
    words += ["-chardev", f"file,id=serial0,path={places.serial}", "-serial", "chardev:serial0"]
    words += ["-nic", _network(ssh_port), "-device", "virtio-scsi-pci,id=scsi"]
    words += CLIPBOARD if "clipboard=vnc" in guest.config.get("vga", "").split(",") else ()
    for number, slot in enumerate(in_boot_order(guest.config), 1):  # 0 belongs to -kernel
        words += _drive(slot, media[slot], number)
    return words + (_direct(direct) if direct else [])


def _network(ssh_port: int) -> str:
    return f"user,model=virtio,restrict=on,hostfwd=tcp:127.0.0.1:{ssh_port}-:22" if ssh_port else "none"


def in_boot_order(config: dict[str, str]) -> list[str]:
    """Slots with a drive: first those of `boot`, in its order, then the others."""
    present = [slot for slot in sorted(config) if SLOT.match(slot) and not slot.startswith(("unused", "efi", "tpm"))]
    wanted = [slot for slot in BOOT_DEVICE.findall(config.get("boot", "").partition("order=")[2]) if slot in present]
    return wanted + [slot for slot in present if slot not in wanted]


def _display(guest: Guest) -> str:
    kind = guest.config.get("vga", "std").partition(",")[0].removeprefix("type=")
    return kind if kind in ("none", "std", "virtio", "cirrus") else "std"


def _drive(slot: str, medium: Medium, number: int) -> list[str]:
    """Disks hang on virtio-scsi whatever their slot says; CD drives are IDE, which takes four at most."""
    place = f"id={slot},drive=drive-{slot},bootindex={number}"
    device = f"ide-cd,{place}" if medium.is_cdrom else f"scsi-hd,{place}"
    if medium.file is None:
        return ["-device", f"ide-cd,id={slot},bootindex={number}"] if medium.is_cdrom else []
    options = f"if=none,id=drive-{slot},format={medium.format},file={medium.file}"
    shared = ",media=cdrom,readonly=on" if medium.is_cdrom else ",discard=unmap,cache=unsafe"
    return ["-drive", options + shared, "-device", device]


def _direct(boot: DirectBoot) -> list[str]:
    return ["-kernel", str(boot.kernel), "-initrd", str(boot.initramfs), "-append", KERNEL_LINE]
