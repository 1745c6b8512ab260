"""Sizes as Proxmox writes them: a number and K, M, G, T or P (binary), or plain bytes."""

import re

UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4, "P": 1024**5}
SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>[KMGTP]?)(?:i?B)?", re.IGNORECASE)


def size_bytes(text: object) -> int | None:
    """Bytes of "32G", "528M", "1048576K", "4T" or "1073741824", rounded up; None for anything else."""
    match = SIZE.fullmatch(str(text).strip())
    if match is None:
        return None
    exact = float(match["number"]) * UNITS[match["unit"].upper()] if "." in match["number"] else None
    return -int(-exact // 1) if exact is not None else int(match["number"]) * UNITS[match["unit"].upper()]
