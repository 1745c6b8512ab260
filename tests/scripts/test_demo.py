"""`make demo`: one address, the sign-ins, and nothing left behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.children import free_port, listens, wait_until

ROOT = Path(__file__).resolve().parents[2]
SIGN_IN = re.compile(r"^    (alice|bob|carol|rita) +([a-z2-9-]{19})   ", re.MULTILINE)
START_S, STOP_S = 300.0, 60.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Demo:
    """A demo started as `make demo` does, in a folder of its own."""

    def __init__(self, folder: Path, port: int, module: str = "scripts.demo") -> None:
        self.folder, self.port, self.out = folder, port, folder.with_suffix(".out")
        self.started: set[psutil.Process] = set()
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                command(folder, port, module=module), cwd=ROOT, stdout=out, stderr=out, start_new_session=True
            )

    @property
    def text(self) -> str:
        """What it has said so far."""
        return self.out.read_text(encoding="utf-8")

    def wait_ready(self) -> None:
        """Until it has said all that it says."""
        wait_until(
            lambda: self.process.poll() is not None or "Ctrl+C stops it" in self.text,
            what="the demo", deadline_s=START_S,
        )  # fmt: skip
        assert self.process.poll() is None, self.text
        self.started = set(psutil.Process(self.process.pid).children(recursive=True))

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ctrl+C; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_S)

    def left_over(self) -> list[str]:
        """Processes of it that still run, and ports that still listen."""
        alive = [str(one) for one in self.started if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        return alive + ([f"port {self.port}"] if listens(self.port) else [])


def command(folder: Path, port: int, *more: str, module: str = "scripts.demo") -> list[str]:
    """The demo's command line, with painted cards, which start quickly."""
    return [
        sys.executable,
        "-m",
        module,
        "--folder",
        str(folder),
        "--port",
        str(port),
        "--guests",
        "never",
        *more,
    ]


def said(*arguments: str, port: int, folder: Path) -> tuple[int, str]:
    """Exit code and words of a demo that ends by itself."""
    done = subprocess.run(
        command(folder, port, *arguments), cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def readable_by_others(folder: Path) -> list[str]:
    """What somebody else could read, but for static files, which everybody may."""
    paths = [folder, *folder.rglob("*")]
    kept = [path for path in paths if folder / "data" / "static" not in path.parents and not path.is_socket()]
    return [str(path) for path in kept if mode_of(path) & 0o077]


def mode_of(path: Path) -> int:
    """Its rights; none for a file that the running demo has removed meanwhile."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return 0


@contextmanager
def running(folder: Path, port: int, module: str = "scripts.demo") -> Iterator[Demo]:
    """A demo that is ready; ended at the latest with the test."""
    demo = Demo(folder, port, module)
    try:
        demo.wait_ready()
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.interrupt(signal.SIGTERM)


def test_the_demo_prints_one_address_and_the_sign_ins_and_leaves_nothing_behind(tmp_path: Path) -> None:
    folder, port = tmp_path / "demo", free_port()

    with running(folder, port) as demo:
        first = demo.text
        page = httpx.get(f"http://127.0.0.1:{port}/accounts/login/")
        second_start = said(port=port, folder=folder)
        other_folder = said(port=port, folder=tmp_path / "other")
        reset_now = said("--reset", port=port, folder=folder)
        code = demo.interrupt()

    assert page.status_code == 200
    assert re.findall(r"http://\S+", first) == [f"http://127.0.0.1:{port}/"]
    assert [name for name, _ in SIGN_IN.findall(first)] == ["alice", "bob", "carol", "rita"]
    assert len({password for _, password in SIGN_IN.findall(first)}) == 4
    assert (code, demo.left_over()) == (0, [])
    assert len(demo.started) >= 4
    assert second_start == (1, f"\nThe demo is already running at http://127.0.0.1:{port}/\n"
                            "Use it there, or stop it there with Ctrl+C.\n")  # fmt: skip
    assert other_folder[0] == 1
    assert f"Port {port} is in use by another program." in other_folder[1]
    assert reset_now == (1, "\nThe demo is running. Stop it with Ctrl+C first; nothing was cleared.\n")


def test_a_second_run_keeps_data_and_sign_ins_and_a_reset_clears_them(tmp_path: Path) -> None:
    folder, port = tmp_path / "demo", free_port()

    with running(folder, port) as demo:
        first = SIGN_IN.findall(demo.text)
    with running(folder, port) as demo:
        second = SIGN_IN.findall(demo.text)
        readable = readable_by_others(folder)
    code, words = said("--reset", port=port, folder=folder)

    assert second == first
    assert (demo.left_over(), readable) == ([], [])
    assert (code, words.startswith("Cleared."), folder.exists()) == (0, True, False)


def test_a_demo_that_is_killed_takes_everything_with_it(tmp_path: Path) -> None:
    with running(tmp_path / "demo", free_port()) as demo:
        os.kill(demo.process.pid, signal.SIGKILL)
        demo.process.wait(STOP_S)

        wait_until(lambda: demo.left_over() == [], what="the demo's processes to end", deadline_s=STOP_S)


@pytest.mark.parametrize("port", ["80", "70000", "http"])
def test_an_impossible_port_is_refused_with_the_accepted_form(tmp_path: Path, port: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.demo", "--folder", str(tmp_path / "demo")],
        cwd=ROOT, env={**os.environ, "PORT": port}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"\nPORT is {port!r}. It takes a number from 1024 to 65535, such as: make demo PORT=8001\n"
    assert not (tmp_path / "demo").exists()
