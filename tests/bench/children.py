"""The processes of the benchmarks: each on a processor of its own, its CPU time and memory read from the kernel."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from tests.children import Child, free_port, listens

ROOT = Path(__file__).resolve().parents[2]
#: Load and far end share one processor, whatever is measured has the other.
LOAD_CPU, PROXY_CPU = 0, 1


def needs_two_processors() -> None:
    """Skips where a proxy cannot have one for itself."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("the benchmarks pin load and proxy to two processors; this machine has one")


def pinned(command: Sequence[str], cpu: int) -> list[str]:
    """The command, on this processor and no other from its first moment on."""
    return ["taskset", "-c", str(cpu), *command]


def pin(pid: int, *cpus: int) -> None:
    """A process that runs already, all its threads."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), set(cpus))


def family(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and its living children, to the nanosecond."""
    files = [file for one in family(pid) for file in Path(f"/proc/{one.pid}/task").glob("*/schedstat")]
    return sum(int(file.read_text().split()[0]) for file in files) / 1e9


def pss_bytes(pid: int) -> int:
    """Memory of a process and its children; what they share is counted once."""
    return sum(one.memory_full_info().pss for one in family(pid))


class FarEnd(Child):
    """`tests.bench.node`, running."""

    def __init__(self, certificate: Path, key: Path, ca: Path) -> None:
        super().__init__("bench-node")
        self.port, self.bare_port, self.ca = free_port(), free_port(), ca
        self._files = (str(certificate), str(key))

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.bench.node", *self._files, str(self.port), str(self.bare_port)]
        self.start(pinned(command, LOAD_CPU), ready=lambda: listens(self.bare_port), cwd=ROOT, env=own())
        return self

    def settings(self) -> dict[str, Any]:
        """The portal's settings for it, as `tests.devcluster.cluster.DevCluster` gives them."""
        token = {"PROXMOX_CONSOLE_TOKEN_NAME": "console", "PROXMOX_CONSOLE_TOKEN_VALUE": "bench"}
        user = {"PROXMOX_USER": "bench@pve", "PROXMOX_TOKEN_NAME": "portal", "PROXMOX_TOKEN_VALUE": "bench"}
        return {"PROXMOX_HOSTS": (("127.0.0.1", self.port),), "PROXMOX_CA_FILE": str(self.ca), **token, **user}


class Load:
    """`tests.bench.load`, running: each call is one command and its answer."""

    def __init__(self, cpu: int = LOAD_CPU) -> None:
        command = pinned([sys.executable, "-m", "tests.bench.load"], cpu)
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=own(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, do: str, **arguments: object) -> None:
        """Begins a command; `result` waits for it."""
        assert self._process.stdin is not None
        self._asked = f"{do} {arguments}"[:300]
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """What the command that was begun came to; fails with its error."""
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline() or '{"error": "the load ended"}')
        assert "error" not in answer, f"{answer['error']} ({self._asked})"
        return answer

    def __call__(self, do: str, **arguments: object) -> dict[str, Any]:
        self.start(do, **arguments)
        return self.result()

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def loading(cpu: int = LOAD_CPU) -> Iterator[Load]:
    """A load for the length of the block."""
    load = Load(cpu)
    try:
        yield load
    finally:
        load.end()


def own(**more: str) -> dict[str, str]:
    """The environment of a child that is no part of the portal."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}
