"""`make demo`: one address, the sign-ins, and nothing left behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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


@dataclass
class First:
    """A demo that was started in an empty folder, looked at, and interrupted; the later tests use its folder."""

    folder: Path
    port: int
    text: str
    page: httpx.Response
    #: Exit code and words of a second start, one in another folder, and a reset, while it ran.
    second_start: tuple[int, str]
    other_folder: tuple[int, str]
    reset_now: tuple[int, str]
    code: int
    started: int
    left_over: list[str]

    @property
    def sign_ins(self) -> list[tuple[str, str]]:
        return SIGN_IN.findall(self.text)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> First:
    """The one demo of this file that has to make everything."""
    tmp_path, port = tmp_path_factory.mktemp("demo"), free_port()
    folder = tmp_path / "demo"
    with running(folder, port) as demo:
        text, page = demo.text, httpx.get(f"http://127.0.0.1:{port}/accounts/login/")
        second_start = said(port=port, folder=folder)
        other_folder = said(port=port, folder=tmp_path / "other")
        reset_now = said("--reset", port=port, folder=folder)
        code = demo.interrupt()
    return First(
        folder, port, text, page, second_start, other_folder, reset_now, code, len(demo.started), demo.left_over()
    )


def test_the_demo_prints_one_address_and_the_sign_ins_and_leaves_nothing_behind(first: First) -> None:
    assert first.page.status_code == 200
    assert re.findall(r"http://\S+", first.text) == [f"http://127.0.0.1:{first.port}/"]
    assert [name for name, _ in first.sign_ins] == ["alice", "bob", "carol", "rita"]
    assert len({password for _, password in first.sign_ins}) == 4
    assert (first.code, first.left_over) == (0, [])
    assert first.started >= 4


def test_a_demo_that_runs_is_neither_started_again_nor_cleared(first: First) -> None:
    assert first.second_start == (1, f"\nThe demo is already running at http://127.0.0.1:{first.port}/\n"
                                  "Use it there, or stop it there with Ctrl+C.\n")  # fmt: skip
    assert first.other_folder[0] == 1
    assert f"Port {first.port} is in use by another program." in first.other_folder[1]
    assert first.reset_now == (1, "\nThe demo is running. Stop it with Ctrl+C first; nothing was cleared.\n")


def test_a_demo_that_is_killed_takes_everything_with_it(first: First) -> None:
    with running(first.folder, first.port) as demo:
        os.kill(demo.process.pid, signal.SIGKILL)
        demo.process.wait(STOP_S)

        wait_until(lambda: demo.left_over() == [], what="the demo's processes to end", deadline_s=STOP_S)


def test_a_later_run_keeps_data_and_sign_ins_and_a_reset_clears_them(first: First) -> None:
    with running(first.folder, first.port) as demo:
        later = SIGN_IN.findall(demo.text)
        readable = readable_by_others(first.folder)
    code, words = said("--reset", port=first.port, folder=first.folder)

    assert later == first.sign_ins
    assert (demo.left_over(), readable) == ([], [])
    assert (code, words.startswith("Cleared."), first.folder.exists()) == (0, True, False)


@pytest.mark.parametrize("port", ["80", "70000", "http"])
def test_an_impossible_port_is_refused_with_the_accepted_form(tmp_path: Path, port: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.demo", "--folder", str(tmp_path / "demo")],
        cwd=ROOT, env={**os.environ, "PORT": port}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"\nPORT is {port!r}. It takes a number from 1024 to 65535, such as: make demo PORT=8001\n"
    assert not (tmp_path / "demo").exists()
