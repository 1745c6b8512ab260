"""Children of the demo: each writes to a log of its own, and none outlives it."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.speech import ROOT, Refusal

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
LOOPBACK = "127.0.0.1"


@dataclass
class Child:
    """A running program and how long it gets to end."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    stop_s: float


class Family:
    """All children. `stop` ends them in the reverse order of their start, and whatever they started."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)  # a grandchild whose parent died becomes ours, so that it can be ended

    def start(self, name: str, command: list[str], env: dict[str, str], *, stop_s: float = 8.0) -> Child:
        """Starts a program in a group of its own, so that Ctrl+C reaches only the demo, which ends it in order."""
        log = self._logs / f"{name}.log"
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=descriptor, stderr=descriptor,
                start_new_session=True, preexec_fn=_die_with_parent,  # noqa: PLW1509 (one prctl call, which takes no lock)
            )  # fmt: skip
        finally:
            os.close(descriptor)
        child = Child(name, process, log, stop_s)
        self._children.append(child)
        return child

    def wait_for(self, what: str, happened: Callable[[], bool], *, deadline_s: float) -> None:
        """Returns once it happened; refuses when a child ended before, or at the deadline."""
        ends = time.monotonic() + deadline_s
        while not happened():
            self.check()
            if time.monotonic() > ends:
                raise Refusal(f"Waited {deadline_s:.0f} s for {what}, in vain. The logs are in {self._logs}.")
            time.sleep(0.1)

    def finish(self, child: Child, what: str, *, deadline_s: float) -> None:
        """Waits for a program that ends by itself; refuses with its last lines when it ended badly."""
        self._children.remove(child)
        try:
            code = child.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            _end(child)
            raise Refusal(f"{what} took longer than {deadline_s:.0f} s. Its log is {child.log}.") from None
        if code:
            raise Refusal(f"{what} did not work:\n{tail(child.log)}")

    def check(self) -> None:
        """Refuses when a child ended by itself."""
        for child in self._children:
            if child.process.poll() is not None:
                raise Refusal(f"{child.name} ended by itself, so the demo stops. Its last lines:\n{tail(child.log)}")

    def stop(self) -> None:
        """Leaves no process behind."""
        while self._children:
            _end(self._children.pop())
        for _round in range(3):
            for pid in orphans():
                _send(os.kill, pid, signal.SIGKILL)
            _reap()


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return "\n".join(f"  | {line}" for line in text.strip().splitlines()[-lines:])


def orphans() -> list[int]:
    """Processes whose parent we are now."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    try:
        return [int(pid) for pid in children.read_text(encoding="ascii").split()]
    except OSError:
        return []


def can_listen(port: int) -> bool:
    """True where this port of the loopback is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """True where somebody takes connections on this port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _end(child: Child) -> None:
    """Asks; insists after `stop_s`; and then ends what is left of its group."""
    _send(os.kill, child.process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.process.wait(child.stop_s)
    _send(os.killpg, child.process.pid, signal.SIGKILL)
    child.process.wait()


def _send(how: Callable[[int, int], None], pid: int, what: signal.Signals) -> None:
    try:
        how(pid, what)
    except ProcessLookupError:
        return


def _reap() -> None:
    """Collects ended orphans, for half a second at most."""
    ends = time.monotonic() + 0.5
    while orphans() and time.monotonic() < ends:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.02)
        except ChildProcessError:
            return


def _die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
