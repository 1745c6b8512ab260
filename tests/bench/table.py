"""The figures of `make bench` as the table of docs/benchmarks.md: machine in general terms, versions, figures."""

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("daphne", "Twisted", "autobahn", "uvloop", "websockets", "Django", "websockify")
#: Figure to what it says and its limit, in the words of the issue.
ROWS = {
    "C-10": ("CPU seconds per GB, of websockify's", "≤ 0.75"),
    "C-11": ("MB/s, of a direct connection's", "≥ 0.75"),
    "C-12": ("added median wait of a key, of websockify's", "≤ 1.5"),
    "C-13": ("memory of an idle console, of websockify's", "≤ 0.03"),
    "C-14": ("600 consoles × 2 Mbit/s in one process: a key's p99, ms", "≤ 50"),
    "C-15": ("a query of 1 s in the same process delays a key by, ms", "≤ 20"),
    "C-16": ("click to first picture, of a bare client's", "≤ 1.2"),
    "C-17": ("50 consoles and 200 people on 2 processors: key to picture p95, ms", "≤ direct + 10; pages ≤ 300"),
}


def table(figures: Iterable[str]) -> str:
    """Markdown of those figures that are benchmarks of consoles."""
    lines = [f"{datetime.now(UTC):%d %B %Y}. {machine()}. {versions()}.", ""]
    lines += ["| id | what | limit | measured | beside it |", "|---|---|---|---|---|"]
    for line in sorted(figures):
        name, *words = line.split()
        if name in ROWS:
            first, *others = [(words[n], words[n + 1]) for n in range(0, len(words) - 1, 2)]
            beside = ", ".join(f"{what.replace('_', ' ')} {number}" for what, number in others if what != "limit")
            lines.append(f"| {name} | {ROWS[name][0]} | {ROWS[name][1]} | **{first[1]}** | {beside} |")
    return "\n".join([*lines, ""])


def machine() -> str:
    """What it was measured on, without a name."""
    kind = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace"))
    memory_gb = psutil.virtual_memory().total / 1e9
    system = f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}"
    return f"{os.cpu_count()} processors ({kind[1] if kind else platform.machine()}), {memory_gb:.0f} GB, {system}"


def versions() -> str:
    """Of everything that carries bytes."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=True).stderr if program else "absent"
    nginx = said.strip().rpartition("/")[2]
    return ", ".join([*(f"{name} {version(name)}" for name in PACKAGES), f"nginx {nginx}"])
