"""How the stand-in comes up, refuses to, and goes."""

import json
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.devcluster.cluster import ROOT, DevCluster


def started(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "devcluster", "--data", str(data), "--qemu", "never", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--seed", "nonsense"), "no such seed: nonsense"),
        (("--windows", '{"nonsense": 1}'), "no such window: nonsense"),
        (("--windows", "{"), "Expecting property name"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    ended = started(tmp_path, "--port", "0", *arguments)
    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = started(tmp_path, "--port", str(taken.getsockname()[1]))
    assert ended.returncode == 1
    assert "already in use" in ended.stderr


def test_secrets_are_for_their_owner_only(tmp_path: Path) -> None:
    with DevCluster.start(tmp_path):
        for name in ("ready.json", "secrets.json", "pve-ssl.key", "ca.key"):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600, name
        ready = json.loads((tmp_path / "ready.json").read_text())
    assert ready["user"] == "portal@pve"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_frees_the_port(tmp_path: Path, number: signal.Signals) -> None:
    with DevCluster.start(tmp_path) as running:
        port = running.port
        running.process.send_signal(number)
        assert running.process.wait(20) == 0
    with socket.create_server(("127.0.0.1", port), reuse_port=False):
        pass


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """A parent that is killed leaves no stand-in behind."""
    script = (
        "import subprocess, sys, time; "
        f"child = subprocess.Popen([sys.executable, '-m', 'devcluster', '--port', '0', '--data', {str(tmp_path)!r}, "
        "'--qemu', 'never']); print(child.pid, flush=True); child.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        _until((tmp_path / "ready.json").exists)
        parent.kill()
    _until(lambda: not _alive(child))


def _alive(pid: int) -> bool:
    """A zombie has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
