"""Bytes, MiB and GiB as Proxmox reports them."""

MIB = 1024**2
GIB = 1024**3


def mib(size_bytes: int) -> int:
    """Whole MiB, rounded up: a quota must never count less than there is."""
    return -(-size_bytes // MIB)


def gib(size_bytes: int) -> int:
    """Whole GiB, rounded up."""
    return -(-size_bytes // GIB)
