"""Debian's packages: which are missing, and installing them without starting or enabling a service."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.speech import Refusal, run, say

#: Without these the portal does not run: Python's own parts, and what python-ldap is built from.
NEEDED = (
    "python3-venv", "python3-dev", "gcc", "libc6-dev",
    "libldap2-dev", "libsasl2-dev", "libldap-2.5-0", "libsasl2-2",
)  # fmt: skip
#: Real guests in the stand-in cluster. Without them machines show a painted test card.
GUESTS = ("qemu-system-x86", "qemu-utils", "grub-rescue-pc", "busybox-static", "cpio", "xorriso")
#: The directory of the demo of a house.
HOUSE = ("slapd", "ldap-utils")
#: What only the tests start: a browser, that directory and the servers of a larger house.
TESTS = ("chromium", "postgresql", "redis-server", "nginx-light", *HOUSE)
MORE = {"house": HOUSE, "test": TESTS}
#: Packages that would start a service by themselves, and the services they would enable.
SERVICES = {
    "postgresql": ("postgresql",),
    "redis-server": ("redis-server",),
    "nginx-light": ("nginx",),
    "slapd": ("slapd",),
}
POLICY = Path("/usr/sbin/policy-rc.d")
FORBIDDEN = 101  # invoke-rc.d: the policy forbids it


def missing(packages: Sequence[str]) -> list[str]:
    """Those of the packages that dpkg does not show as installed; none where there is no dpkg."""
    if not shutil.which("dpkg-query"):
        return []
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *packages],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    installed = {line.split()[0] for line in asked.stdout.splitlines() if line.endswith(" installed")}
    return [package for package in packages if package not in installed]


def provide(purpose: str, *, as_root: bool | None = None) -> None:
    """Installs what is missing for `demo`, `house` or `test`.

    Without root it refuses with the one line to run, except where only the guests' packages are missing.
    """
    if not shutil.which("dpkg-query"):
        say("This is not Debian: set-up takes it that a C compiler, the headers of Python, OpenLDAP and SASL,")
        say("and QEMU are installed.")
        return
    wanted = NEEDED + GUESTS + MORE.get(purpose, ())
    lacking = missing(wanted)
    if not lacking:
        return
    if os.geteuid() == 0 if as_root is None else as_root:
        install(lacking)
    elif purpose != "test" and set(lacking) <= set(GUESTS):
        say("Machines will show a painted test card, because these packages for real guests are missing.")
        say(f"To have real guests, run once:  {line_for(lacking)}")
    else:
        raise Refusal(
            f"These packages are missing: {' '.join(lacking)}\n"
            f"Installing them takes root. Run this line once, then start again:\n\n  {line_for(lacking, purpose)}"
        )


def line_for(lacking: Sequence[str], purpose: str = "test") -> str:
    """The one line that installs these packages. apt-get itself would start services; then it is set-up's own."""
    if set(lacking) & set(SERVICES):
        return f"sudo python3 -B -m scripts.setup --for {purpose} --packages-only"
    return f"sudo apt-get install -y --no-install-recommends {' '.join(lacking)}"


def install(lacking: Sequence[str], *, policy: Path = POLICY) -> None:
    """Installs packages as root; services stay stopped and disabled."""
    services = [service for package in lacking for service in SERVICES.get(package, ())]
    say(f"Installing Debian packages, starting no service: {' '.join(lacking)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with nothing_starts(needed=bool(services), policy=policy):
        run(["apt-get", "update"], "Reading Debian's package lists", env=environment)
        run(["apt-get", "install", "-y", "--no-install-recommends", *lacking], "Installing packages", env=environment)
    for service in services:
        disable(service)


def know_what_debian_has(lists: Path = Path("/var/lib/apt/lists")) -> None:
    """Reads Debian's package lists where a machine has none yet, as in a fresh container; takes root."""
    if os.geteuid() == 0 and not any(lists.glob("*_Packages*")):
        run(["apt-get", "update"], "Reading Debian's package lists")


@contextmanager
def nothing_starts(*, needed: bool, policy: Path = POLICY) -> Iterator[None]:
    """Forbids packages to start their services meanwhile, by a policy-rc.d that is taken away afterwards.

    One that is already there is never touched. Refuses where it is needed and that one allows starting.
    """
    if policy.exists():
        if needed and subprocess.run([policy, "redis-server", "start"], check=False).returncode != FORBIDDEN:
            raise Refusal(
                f"{policy} lets packages start services, and set-up neither changes it nor starts any.\n"
                "Move it away for the time of the set-up, or install the packages yourself."
            )
        yield
        return
    policy.write_text(f"#!/bin/sh\nexit {FORBIDDEN}\n", encoding="ascii")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink(missing_ok=True)


def disable(service: str) -> None:
    """Undoes what a package does to have its service started with the machine."""
    for command in (
        ["systemctl", "disable", f"{service}.service"],
        ["update-rc.d", service, "disable"],
    ):
        if shutil.which(command[0]):
            subprocess.run(command, check=False, capture_output=True)
