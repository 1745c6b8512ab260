"""A real Daphne as a child process, on the test's own database and a stand-in cluster."""

import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import Pool, User
from tests.devcluster.cluster import DevCluster
from tests.factories import make_vm
from vms.models import VirtualMachine
from vms.states import Power

ROOT = Path(__file__).resolve().parents[2]
START_S = 120.0
GUEST_POOL = "alice"


@dataclass
class Portal:
    """One running portal."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    host: str = "127.0.0.1"

    @property
    def origin(self) -> str:
        return f"http://{self.host}:{self.port}"

    def memory_bytes(self) -> int:
        """What the process holds now."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


def free_port() -> int:
    """A port below the range that outgoing connections take theirs from."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


@contextmanager
def serving(
    cluster: DevCluster, folder: Path, application: str = "vmportal.asgi:application", *, port: int = 0,
    host: str = "127.0.0.1", ping_s: tuple[int, int] = (20, 120), program: str = "vmportal.server", **variables: object,
) -> Iterator[Portal]:  # fmt: skip
    """A portal on this port of an address of the loopback, or on a free one; ends with the block.

    `ping_s`: how often a browser is asked for a sign of life, and how long it may leave that unanswered.
    """
    port, log = port or free_port(), folder / "daphne.log"
    command = [sys.executable, "-m", program, "-b", host, "-p", str(port)]
    command += ["--ping-interval", str(ping_s[0]), "--ping-timeout", str(ping_s[1]), application]
    environment = {**os.environ, **_variables(cluster, port), **{name: str(value) for name, value in variables.items()}}
    with log.open("ab") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        running = Portal(process, port, log, host)
        _await(running)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def running_guest(cluster: DevCluster, pool: Pool, **columns: Any) -> VirtualMachine:
    """A running machine in the stand-in and its row."""
    return guest_row(cluster.guest(name="web-01", pool=pool.proxmox_poolid, status="running"), pool, **columns)


def guest_row(guest: dict[str, Any], pool: Pool, **columns: Any) -> VirtualMachine:
    """The row of a running machine of the stand-in."""
    config = guest.get("config", guest)
    uuid = dict(part.partition("=")[::2] for part in config["smbios1"].split(","))["uuid"]
    known = {"vmid": guest["vmid"], "node": guest["node"], "smbios_uuid": uuid, "power": Power.RUNNING}
    return make_vm(pool, "web-01", **(known | columns))


def cookie_of(user: User) -> str:
    """A session of this person."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _variables(cluster: DevCluster, port: int) -> dict[str, str]:
    known = cluster.settings()
    hosts = ",".join(f"{host}:{at}" for host, at in known.pop("PROXMOX_HOSTS"))
    words = {name: str(value) for name, value in known.items() if isinstance(value, str) and value}
    return {
        **words,
        "PROXMOX_HOSTS": hosts,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": _database_url(),
        "SECRET_KEY": settings.SECRET_KEY,
        "SITE_URL": f"http://127.0.0.1:{port}",
        "PYTHONWARNINGS": "default",
        "PYTHONPATH": str(ROOT),
    }


def _database_url() -> str:
    """The test's own, as DATABASE_URL takes it."""
    at = {name: str(value) for name, value in connection.settings_dict.items()}
    if connection.vendor == "sqlite":
        return f"sqlite://{at['NAME']}"
    return f"postgres://{at['USER']}:{at['PASSWORD']}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


def _await(portal: Portal) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_S
    while True:
        try:
            opener.open(f"{portal.origin}/healthz", timeout=5).close()
            return
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            if portal.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the portal did not start: {portal.log.read_text()[-2000:]}") from None
            time.sleep(0.05)
