"""Children that a test starts: they get a free port, end with the test, and die with it at the latest."""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1  # prctl(2)
STOP_S = 15.0


def need(program: str, *folders: Path) -> str:
    """The program's path. Without it the test is skipped, or fails where CI is set."""
    path = os.pathsep.join([*(str(folder) for folder in folders), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(program, path=path)
    if found:
        return found
    sentence = f"{program} is not installed; `make test` installs it"
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)


def free_port() -> int:
    """A port on the loopback that nobody listens on, below those that outgoing connections use."""
    draw = random.SystemRandom()
    for _ in range(200):
        port = draw.randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise RuntimeError("200 ports tried, none free")


def wait_until(happened: Callable[[], bool], *, what: str, deadline_s: float = 20.0) -> None:
    """Returns as soon as it happened; fails, naming what was awaited, at the deadline."""
    ends = time.monotonic() + deadline_s
    pause = threading.Event()
    while not happened():
        if time.monotonic() > ends:
            pytest.fail(f"waited {deadline_s:g} s for {what}")
        pause.wait(0.03)


def listens(port: int) -> bool:
    """True where somebody accepts connections on this port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Child:
    """One program with a folder of its own, started by `start` and ended with all it started by `stop`.

    The folder is made beside pytest's, because a server that runs as somebody else cannot enter pytest's.
    """

    def __init__(self, name: str, *, user: str | None = None) -> None:
        self.name = name
        self.user = user if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix=f"vmportal-{name}-"))
        if self.user:
            shutil.chown(self.folder, self.user)
        self.log = self.folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def run(
        self, command: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None, typed: str = ""
    ) -> str:
        """A program to its end, given `typed` on its standard input; what it wrote. Fails with that."""
        done = subprocess.run(
            command, cwd=cwd or self.folder, user=self.user, env=None if env is None else dict(env),
            input=typed.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        text = done.stdout.decode(errors="replace")
        if done.returncode:
            pytest.fail(f"{command[0]} ended with {done.returncode}:\n{text}")
        return text

    def start(
        self,
        command: Sequence[str],
        *,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        deadline_s: float = 30.0,
    ) -> None:
        """Starts the program and waits until it is ready; fails with its log when it ends before."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=cwd or self.folder, env=None if env is None else dict(env), user=self.user,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 (one prctl call, which takes no lock)
            )  # fmt: skip
        try:
            wait_until(lambda: self._ended() or ready(), what=self.name, deadline_s=deadline_s)
        except BaseException:
            sys.stderr.write(self.tail())
            self.stop()
            raise
        if self._ended():
            tail = self.tail()
            self.stop()
            pytest.fail(f"{self.name} ended by itself:\n{tail}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends the program and its children, and removes the folder."""
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(how)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                pass
            finally:
                _kill_group(process.pid)
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def tail(self, lines: int = 30) -> str:
        """The end of what it wrote."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
