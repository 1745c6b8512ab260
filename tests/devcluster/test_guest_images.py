import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from devcluster.guest_images import FILES, archive


def entries() -> list[tuple[str, int, bytes]]:
    return [
        ("etc", stat.S_IFDIR | 0o755, b""),
        ("etc/rc", stat.S_IFREG | 0o755, b"#!/bin/sh\n"),
        ("etc/odd", stat.S_IFREG | 0o644, b"12345"),
    ]


def test_the_archive_is_the_same_every_time() -> None:
    assert archive(iter(entries())) == archive(iter(entries()))
    assert len(archive(iter(entries()))) % 4 == 0


def test_cpio_unpacks_what_was_packed(tmp_path: Path) -> None:
    if shutil.which("cpio") is None:
        pytest.skip("cpio is not installed")

    subprocess.run(["cpio", "-idm", "--quiet"], input=archive(iter(entries())), cwd=tmp_path, check=True)

    assert (tmp_path / "etc/odd").read_bytes() == b"12345"
    assert stat.S_IMODE((tmp_path / "etc/rc").stat().st_mode) == 0o755


def test_the_scripts_of_the_guest_are_fine_for_its_shell() -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is not installed")
    scripts = [path for path in FILES.rglob("*") if path.is_file() and path.read_bytes().startswith(b"#!")]

    assert len(scripts) == 5
    for script in [*scripts, FILES / "etc/profile"]:
        subprocess.run([busybox, "sh", "-n", str(script)], check=True)
