"""Rules about what is committed: no host in a lock, no path of somebody's machine, no third-party file."""

import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted(ROOT.glob("requirements*.txt"))


def committed() -> list[Path]:
    """Every tracked text file of ours."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git clone, so what is committed is not known")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_python_lock_names_no_host_and_hashes_every_package(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")

    assert re.findall(r"index-url|find-links|trusted-host|https?://|file:", text) == []
    packages = re.findall(r"^[a-z0-9][^\n]*==", text, flags=re.MULTILINE)
    unhashed = re.findall(r"^[a-z0-9][^\n]*==[^\n\\]*$", text, flags=re.MULTILINE)
    assert packages
    assert unhashed == []


def test_the_npm_lock_names_no_registry_and_hashes_every_package() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    libraries = {name: entry for name, entry in packages.items() if name}

    assert libraries
    assert [name for name, entry in libraries.items() if "resolved" in entry] == []
    assert [name for name, entry in libraries.items() if not entry.get("integrity")] == []


def test_every_direct_dependency_says_why_it_is_there() -> None:
    for source in ROOT.glob("requirements*.in"):
        lines = source.read_text(encoding="utf-8").splitlines()
        named = [line for line in lines if line and not line.startswith(("#", "-"))]

        assert [line for line in named if not re.search(r"\s# \S+", line)] == []


def test_no_committed_file_names_a_path_of_a_developers_machine() -> None:
    folders = "|".join(("root", "work", "home/[a-z]+"))
    path = re.compile(rf"(?<![\w.}}/])/(?:{folders})/[\w.]")

    found = {
        str(file.relative_to(ROOT)): match[0]
        for file in committed()
        if file.suffix not in {".png", ".ico", ".woff2"}
        and (match := path.search(file.read_text(encoding="utf-8", errors="replace")))
    }

    assert found == {}


def test_no_third_party_file_is_committed() -> None:
    names = [str(file.relative_to(ROOT)) for file in committed()]

    assert [name for name in names if name.startswith(("node_modules/", "build/", ".venv/", ".demo/"))] == []
    assert [name for name in names if name.endswith((".min.js", ".min.css", ".woff2", ".iso"))] == []
