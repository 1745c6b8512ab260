"""The cloud-init drive of a machine: the texts Proxmox writes onto it, and the disc itself."""

import asyncio
import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from devcluster.machines import MachineError


def user_data(name: str, options: Mapping[str, str]) -> str:
    """`options` are ciuser, sshkeys (percent-encoded) and so on, as they stood when the drive was written."""
    keys = [key for key in unquote(options.get("sshkeys", "")).split("\n") if key]
    lines = [f"#cloud-config\nhostname: {name}\nmanage_etc_hosts: true", f"fqdn: {name}"]
    lines += [f"user: {options['ciuser']}"] if "ciuser" in options else []
    lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in keys)] if keys else []
    return "\n".join([*lines, "chpasswd:\n  expire: False\nusers:\n  - default\npackage_upgrade: true\n"])


async def make_disc(path: Path, name: str, options: Mapping[str, str]) -> None:
    """An ISO 9660 disc named `cidata` with user-data and meta-data. Raises MachineError."""
    text = user_data(name, options)
    with tempfile.TemporaryDirectory() as folder:
        content = Path(folder)
        (content / "user-data").write_text(text)
        (content / "meta-data").write_text(
            f"instance-id: {hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()}\n"
        )
        _forget(path)
        await _xorriso("-as", "mkisofs", "-quiet", "-V", "cidata", "-J", "-r", "-o", str(path), folder)


def _forget(path: Path) -> None:
    """xorriso would add to a disc that is there."""
    path.unlink(missing_ok=True)


async def _xorriso(*words: str) -> None:
    if shutil.which("xorriso") is None:
        raise MachineError("xorriso is missing")
    nowhere = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec("xorriso", *words, stdout=nowhere, stderr=nowhere)
    if await process.wait() != 0:
        raise MachineError("the cloud-init disc could not be written")
