"""What a person asks for when a machine is created: plain values."""

from dataclasses import dataclass

from vms.operations.errors import Refusal

MOST_CORES = 128
LEAST_MEMORY_MIB = 64
MOST_MEMORY_MIB = 4 * 1024 * 1024
MOST_DISK_GIB = 64 * 1024


@dataclass(frozen=True, slots=True)
class Size:
    """Cores, memory in MiB, disk in GiB."""

    cores: int
    memory_mib: int
    disk_gib: int

    def check(self) -> None:
        """Raises Refusal for a size no machine can have; quotas are checked elsewhere."""
        _within("cores", "Cores", self.cores, 1, MOST_CORES)
        _within("memory_mib", "Memory in MiB", self.memory_mib, LEAST_MEMORY_MIB, MOST_MEMORY_MIB)
        _within("disk_gib", "Disk in GiB", self.disk_gib, 1, MOST_DISK_GIB)


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


Source = FromTemplate | FromIso


def _within(field: str, label: str, found: int, least: int, most: int) -> None:
    if not least <= found <= most:
        raise Refusal(f"{label} must be a whole number from {least} to {most}.", field)
