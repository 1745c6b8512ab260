"""What a person asks for when a machine is created: plain values."""

from dataclasses import dataclass

from vms.operations.errors import Refusal

MOST_CORES = 128
LEAST_MEMORY_MIB = 64
MOST_MEMORY_MIB = 4 * 1024 * 1024
MOST_DISK_GIB = 64 * 1024


def check_power(cores: int, memory_mib: int) -> None:
    """Raises Refusal for cores or memory no machine can have."""
    within("cores", "Cores", cores, 1, MOST_CORES)
    within("memory_mib", "Memory in MiB", memory_mib, LEAST_MEMORY_MIB, MOST_MEMORY_MIB)


@dataclass(frozen=True, slots=True)
class Size:
    """Cores, memory in MiB, disk in GiB."""

    cores: int
    memory_mib: int
    disk_gib: int

    def check(self) -> None:
        """Raises Refusal for a size no machine can have; quotas are checked elsewhere."""
        check_power(self.cores, self.memory_mib)
        within("disk_gib", "Disk in GiB", self.disk_gib, 1, MOST_DISK_GIB)


@dataclass(frozen=True, slots=True)
class FromTemplate:
    """A clone of a template. `ssh_keys` are public keys, one line each; `login_user` empty: the template's own."""

    template_id: int
    ssh_keys: tuple[str, ...] = ()
    login_user: str = ""


@dataclass(frozen=True, slots=True)
class FromIso:
    """An empty disk and an ISO image in the drive."""

    iso_id: int


@dataclass(frozen=True, slots=True)
class FromMachine:
    """A copy of another machine, with disks of its own. What is set in it stays; users and keys in it too."""

    vm_id: int


Source = FromTemplate | FromIso | FromMachine


def check_disk(size_gib: int) -> None:
    """Raises Refusal for a size no disk can have."""
    within("size_gib", "Size in GiB", size_gib, 1, MOST_DISK_GIB)


def within(field: str, label: str, found: object, least: int, most: int) -> None:
    """Raises Refusal for everything but whole numbers of the range."""
    if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
        raise Refusal(f"{label} must be a whole number from {least} to {most}.", field)
