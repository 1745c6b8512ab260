"""How the launchers talk to a person: plain sentences, and a refusal that says what to do."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"


class Refusal(Exception):
    """Something a person has to do first. Its text is the whole message; the launcher ends with code 1."""


def say(sentence: str) -> None:
    """One line, at once."""
    print(sentence, flush=True)


def run(command: Sequence[str | Path], what: str, *, env: dict[str, str] | None = None) -> str:
    """Runs a program to its end and returns what it printed.

    `what` completes "… did not work". Refuses with the program's last lines when it fails.
    """
    try:
        done = subprocess.run(  # proxies and private CAs come through the environment, which is passed on
            [str(part) for part in command], cwd=ROOT, env=env, text=True, errors="replace", check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except OSError as error:
        raise Refusal(f"{what} did not work: {command[0]} cannot be run ({error.strerror}).") from error
    if done.returncode:
        tail = "\n".join(f"  | {line}" for line in done.stdout.strip().splitlines()[-15:])
        raise Refusal(f"{what} did not work. The last lines of {Path(str(command[0])).name} were:\n{tail}")
    return done.stdout


def timed(sentence: str, work: Callable[[], None]) -> None:
    """Says what is being done, does it, and says how long it took."""
    print(f"{sentence} …", end=" ", flush=True)
    began = time.monotonic()
    try:
        work()
    except BaseException:
        print("no.", flush=True)
        raise
    print(f"done, {time.monotonic() - began:.0f} s.", flush=True)


def guarded(main: Callable[[], int]) -> int:
    """Runs a launcher; a refusal and Ctrl+C end as sentences, never as a traceback."""
    try:
        return main()
    except Refusal as refusal:
        print(f"\n{refusal}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr, flush=True)
        return 130
