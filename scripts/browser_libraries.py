"""What pages load in a browser: installed by npm's lock, then a fixed list of files copied to build/vendor/."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from scripts import python_packages
from scripts.speech import BUILD, ROOT, Refusal, run, timed

VENDOR = BUILD / "vendor"
MODULES = ROOT / "node_modules"
LOCK = ROOT / "package-lock.json"
STAMP = VENDOR / ".installed"
LEAST_NODE = 22

#: From node_modules/ to build/vendor/. Files come with their maps and licences; folders are copied whole.
FILES = {
    "@novnc/novnc/core": "novnc/core",
    "@novnc/novnc/vendor": "novnc/vendor",
    "@novnc/novnc/LICENSE.txt": "novnc/LICENSE.txt",
    "@tabler/core/dist/css/tabler.min.css": "tabler/tabler.min.css",
    "@tabler/core/dist/css/tabler.min.css.map": "tabler/tabler.min.css.map",
    "@tabler/core/dist/js/tabler.min.js": "tabler/tabler.min.js",
    "@tabler/core/dist/js/tabler.min.js.map": "tabler/tabler.min.js.map",
    "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2": "fonts/inter-latin.woff2",
    "@fontsource-variable/inter/LICENSE": "fonts/inter-LICENSE",
    "@fontsource/jetbrains-mono/files/jetbrains-mono-latin-400-normal.woff2": "fonts/jetbrains-mono.woff2",
    "@fontsource/jetbrains-mono/LICENSE": "fonts/jetbrains-mono-LICENSE",
}
#: What only the tests load.
TEST_FILES = {"axe-core/axe.min.js": "axe/axe.min.js", "axe-core/LICENSE": "axe/LICENSE"}


def provide(purpose: str) -> None:
    """Fills build/vendor/ for `demo` or `test`; does nothing where it is filled by the same lock and list."""
    files = FILES | (TEST_FILES if purpose == "test" else {})
    if _stamped() in {stamp(files), stamp(FILES | TEST_FILES)}:
        return
    command, environment = npm()
    omit = [] if purpose == "test" else ["--omit=dev"]
    timed(
        "Installing browser libraries by package-lock.json",
        lambda: _npm_ci([*command, "ci", "--ignore-scripts", *omit], environment),
    )
    copy(files)
    STAMP.write_text(stamp(files), encoding="ascii")


def stamp(files: dict[str, str]) -> str:
    """Changes with the lock and with the list."""
    return hashlib.sha256(LOCK.read_bytes() + repr(sorted(files.items())).encode()).hexdigest()


def npm() -> tuple[list[str], dict[str, str]]:
    """How to run npm: the machine's where its Node is new enough, else the one of the wheel."""
    path = os.environ.get("PATH", "")
    if shutil.which("npm") and machine_node() >= LEAST_NODE:
        return ["npm"], dict(os.environ)
    folder = python_packages.node_folder()
    script = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [str(folder / "bin" / "node"), str(script)], {**os.environ, "PATH": f"{folder / 'bin'}:{path}"}


def machine_node() -> int:
    """The major version of the machine's Node.js, 0 without one."""
    try:
        asked = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.match(r"v(\d+)\.", asked.stdout)
    return int(found[1]) if found else 0


def copy(files: dict[str, str]) -> None:
    """Copies the list into an empty build/vendor/. Refuses, naming the file, where a package lacks one."""
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for source, target in files.items():
        _copy_one(MODULES / source, fresh / target)
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)


def _npm_ci(command: list[str], environment: dict[str, str]) -> None:
    run(command, "Installing browser libraries", env=environment)


def _copy_one(source: Path, target: Path) -> None:
    if not source.exists():
        raise Refusal(f"The package of {source.relative_to(MODULES)} does not hold that file; the lock has changed.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _stamped() -> str:
    try:
        return STAMP.read_text(encoding="ascii")
    except OSError:
        return ""
