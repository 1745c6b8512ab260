"""A real Celery worker as a child of a test, on the test's database and the stand-in, and ways to kill it."""

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil
from django.conf import settings
from django.db import connection

from tests.children import Child, wait_until
from tests.devcluster.cluster import DevCluster

ROOT = Path(__file__).resolve().parents[3]


def environment(folder: Path, cluster: DevCluster, broker: str, **more: str) -> dict[str, str]:
    """The variables of a portal process on this cluster and on the tests' own SQLite file."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "vmportal.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite://{connection.settings_dict['NAME']}",
        "BROKER_URL": broker,
        "LOG_LEVEL": "WARNING",
        "PROXMOX_HOSTS": f"{cluster.host}:{cluster.port}",
        "PROXMOX_USER": cluster.user,
        "PROXMOX_TOKEN_NAME": cluster.token_name,
        "PROXMOX_TOKEN_VALUE": cluster.token_value,
        "PROXMOX_CA_FILE": cluster.ca_file,
        "PROXMOX_VM_STORAGE": "shared",
        **more,
    }


class Worker(Child):
    """`celery worker` with two children.

    Its broker is Redis: on the file broker Celery's children share one queue, and a child that is killed while it waits
    there takes the queue's lock with it.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__("worker")
        self._variables = variables

    def begin(self) -> "Worker":
        """Starts it and waits until its children can take work."""
        options = ["worker", "-c", "2", "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"]
        command = [sys.executable, "-m", "celery", "-A", "vmportal", *options]
        self.start(command, ready=lambda: len(self.children()) >= 2, env=self._variables, cwd=ROOT, deadline_s=60)
        return self

    def children(self) -> list[psutil.Process]:
        """The processes that do the work."""
        if self.process is None:
            return []
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []

    def kill_children(self) -> None:
        """SIGKILL to those that do the work; the worker makes new ones."""
        old = {child.pid for child in self.children()}
        for pid in old:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: len({child.pid for child in self.children()} - old) >= 2, what="new children", deadline_s=60)

    def kill(self) -> None:
        """SIGKILL to all of it."""
        self.stop(signal.SIGKILL)
