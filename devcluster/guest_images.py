"""Makes the guests of the stand-in: a GRUB rescue disc, and a small Linux of Debian's kernel, busybox and dropbear.

python devcluster/guest_images.py --into build/guests

Standard library only. Packages of kernel and dropbear are downloaded and unpacked, never installed. Needs the programs
apt-get, dpkg-deb and xorriso, and Debian's packages grub-rescue-pc and busybox-static. Running it again does nothing,
unless something it is made from has changed.
"""

import argparse
import gzip
import hashlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = HERE / "guest"
GRUB_DISC = Path("/usr/lib/grub-rescue/grub-rescue-cdrom.iso")
BUSYBOX = Path("/bin/busybox")
KERNEL_PACKAGE = "linux-image-cloud-amd64"
#: An SSH server and what it is linked with.
SSH_PACKAGES = ("dropbear-bin", "libtomcrypt1", "libtommath1", "libgmp10", "libcrypt1", "zlib1g", "libc6")
SSH_FILES = {
    "usr/sbin/dropbear": "sbin/dropbear",
    "lib64/ld-linux-x86-64.so.2": "lib64/ld-linux-x86-64.so.2",
    "lib/x86_64-linux-gnu/libc.so.6": "lib/libc.so.6",
    "lib/x86_64-linux-gnu/libcrypt.so.1": "lib/libcrypt.so.1",
    "lib/x86_64-linux-gnu/libz.so.1": "lib/libz.so.1",
    "usr/lib/x86_64-linux-gnu/libgmp.so.10": "lib/libgmp.so.10",
    "usr/lib/x86_64-linux-gnu/libtomcrypt.so.1": "lib/libtomcrypt.so.1",
    "usr/lib/x86_64-linux-gnu/libtommath.so.1": "lib/libtommath.so.1",
}
MADE = ("vmlinuz", "initramfs.gz", "grub-rescue.iso", "small-linux.iso")
FOLDERS = ("bin", "sbin", "etc", "proc", "sys", "dev", "mnt", "root", "home", "run", "tmp", "var", "var/log")
MODULE_FOLDERS = ("lib", "lib/modules", "lib64", "etc/dropbear", "dev/pts")
# In the order in which they can be loaded.
MODULES = (
    "drivers/virtio/virtio_ring",
    "drivers/virtio/virtio",
    "drivers/virtio/virtio_pci_modern_dev",
    "drivers/virtio/virtio_pci_legacy_dev",
    "drivers/virtio/virtio_pci",
    "drivers/scsi/scsi_common",
    "drivers/scsi/scsi_mod",
    "drivers/scsi/sd_mod",
    "drivers/scsi/virtio_scsi",
    "drivers/block/virtio_blk",
    "drivers/ata/libata",
    "drivers/ata/ata_piix",
    "drivers/cdrom/cdrom",
    "drivers/scsi/sr_mod",
    "fs/isofs/isofs",
    "drivers/acpi/button",
    "drivers/input/evdev",
    "net/core/failover",
    "drivers/net/net_failover",
    "drivers/net/virtio_net",
    "drivers/char/virtio_console",
)


class CannotMake(Exception):
    """Something the guests are made from is not there; the text says what."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the stand-in's guests.")
    parser.add_argument("--into", type=Path, required=True, help="folder for the images")
    try:
        made = make_all(parser.parse_args().into)
    except CannotMake as reason:
        print(f"guest images: {reason}", file=sys.stderr)  # noqa: T201
        return 1
    print("guest images: made" if made else "guest images: already there")  # noqa: T201
    return 0


def make_all(into: Path) -> bool:
    """Whether anything had to be made. Raises CannotMake."""
    _check_ingredients()
    package = _kernel_package()
    stamp, wanted = into / "made-from", _fingerprint(package)
    if all((into / name).exists() for name in MADE) and stamp.exists() and stamp.read_text() == wanted:
        return False
    into.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        root = _unpacked(Path(folder), package, *SSH_PACKAGES)
        shutil.copyfile(next((root / "boot").glob("vmlinuz-*")), into / "vmlinuz")
        modules = next((root / "lib" / "modules").iterdir()) / "kernel"
        (into / "initramfs.gz").write_bytes(gzip.compress(archive(_root_entries(root, modules)), mtime=0))
    shutil.copyfile(GRUB_DISC, into / "grub-rescue.iso")
    _make_disc(into)
    stamp.write_text(wanted)
    return True


def _check_ingredients() -> None:
    for program in ("apt-get", "apt-cache", "dpkg-deb", "xorriso"):
        if shutil.which(program) is None:
            raise CannotMake(f"the program {program} is missing")
    for path, package in ((GRUB_DISC, "grub-rescue-pc"), (BUSYBOX, "busybox-static")):
        if not path.exists():
            raise CannotMake(f"{path} is missing; it is in Debian's package {package}")


def _kernel_package() -> str:
    """The package that holds the kernel, such as linux-image-6.1.0-56-cloud-amd64."""
    told = _run("apt-cache", "depends", KERNEL_PACKAGE)
    found = re.search(r"Depends: (linux-image-\d\S+)", told)
    if found is None:
        raise CannotMake(f"apt knows no {KERNEL_PACKAGE}; run apt-get update")
    return found[1]


def _fingerprint(package: str) -> str:
    digest = hashlib.sha256(package.encode())
    for path in sorted([Path(__file__), BUSYBOX, GRUB_DISC, *(one for one in FILES.rglob("*") if one.is_file())]):
        digest.update(path.name.encode() + path.read_bytes())
    return f"{package} {digest.hexdigest()}\n"


def _unpacked(folder: Path, *packages: str) -> Path:
    folder.chmod(0o755)
    _run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *packages, cwd=folder)
    root = folder / "root"
    for package in sorted(folder.glob("*.deb")):
        _run("dpkg-deb", "-x", str(package), str(root))
    return root


def _make_disc(into: Path) -> None:
    """Debian's rescue disc with a kernel on it. It boots from a CD drive and, copied as it is, from a hard disk."""
    disc = into / "small-linux.iso"
    disc.unlink(missing_ok=True)
    mapped = {
        into / "vmlinuz": "/boot/vmlinuz",
        into / "initramfs.gz": "/boot/initramfs.gz",
        FILES / "grub.cfg": "/boot/grub/grub.cfg",
    }
    changes = [word for path, inside in mapped.items() for word in ("-map", str(path), inside)]
    _run("xorriso", "-indev", str(GRUB_DISC), "-outdev", str(disc), "-boot_image", "any", "replay", *changes)


# The initial file system: a cpio archive in the "newc" format, written by hand so that it is the same every time.

Entry = tuple[str, int, bytes]


def _root_entries(root: Path, modules: Path) -> Iterator[Entry]:
    for name in (*FOLDERS, *MODULE_FOLDERS):
        yield name, stat.S_IFDIR | 0o755, b""
    yield "bin/busybox", stat.S_IFREG | 0o755, BUSYBOX.read_bytes()
    names = []
    for module in MODULES:
        path = modules / f"{module}.ko"
        if path.exists():
            names.append(path.name)
            yield f"lib/modules/{path.name}", stat.S_IFREG | 0o644, path.read_bytes()
    yield "lib/modules/order", stat.S_IFREG | 0o644, "".join(f"{name}\n" for name in names).encode()
    for source, name in SSH_FILES.items():
        yield name, stat.S_IFREG | 0o755, (root / source).read_bytes()
    for path in sorted(FILES.rglob("*")):
        name = str(path.relative_to(FILES))
        if path.is_dir() and name not in FOLDERS:
            yield name, stat.S_IFDIR | 0o755, b""
        elif path.is_file() and name != "grub.cfg":
            mode = 0o755 if path.read_bytes().startswith(b"#!") else 0o644
            yield name, stat.S_IFREG | mode, path.read_bytes()


def archive(entries: Iterator[Entry]) -> bytes:
    out = bytearray()
    for number, (name, mode, content) in enumerate(entries, 1):
        out += _record(number, name, mode, content)
    return bytes(out + _record(0, "TRAILER!!!", 0, b""))


def _record(number: int, name: str, mode: int, content: bytes) -> bytes:
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise CannotMake(f"{' '.join(command[:2])} failed: {''.join(last)}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
