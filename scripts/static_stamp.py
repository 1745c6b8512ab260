"""Have the static files changed since they were collected? Hashing and compressing them is the demo's slowest step."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from scripts import browser_libraries, python_packages
from scripts.speech import ROOT


def stamp() -> str:
    """Changes with any static file of ours, the browser libraries, the Python packages and how they are collected."""
    digest = hashlib.sha256()
    for file in _sources():
        if file.is_file():
            seen = file.stat()
            digest.update(f"{file} {seen.st_size} {seen.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield from sorted((ROOT / "static").rglob("*"))
    yield browser_libraries.STAMP
    yield python_packages.STAMP
    yield ROOT / "vmportal" / "static_storage.py"


def is_collected(collected: Path) -> bool:
    """True where this folder holds what `stamp` describes."""
    try:
        return (collected / ".stamp").read_text(encoding="ascii") == stamp()
    except OSError:
        return False


def note(collected: Path) -> None:
    """Says that this folder holds what there is now."""
    (collected / ".stamp").write_text(stamp(), encoding="ascii")
