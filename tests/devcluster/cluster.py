"""Starts a stand-in as a child process and speaks to its control interface."""

import http.client
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
IDLE_S = 3.0
# Short enough for tests, long enough to be seen.
FAST: dict[str, Any] = {
    "jobs_scale": 0.02,
    "resources_lag": 0.0,
    "auth_delay": 0.0,
    "connect_fail": 0.05,
    "proxy_timeout": 0.4,
    "lock_wait": 0.5,
    "agent_wait": 0.05,
    "shutdown_timeout": 1.0,
    "vnc_start_delay": 0.0,
}
ROOT = Path(__file__).resolve().parents[2]


class DevClusterFailed(Exception):
    """The child did not come up, or the control interface refused; the text says what it wrote."""


class DevCluster:
    """One running stand-in. Attributes `url host port ca_file user token_name token_value console_token_name
    console_token_value control_url control_token` come from its ready.json."""

    url: str
    host: str
    port: int
    ca_file: str
    user: str
    token_name: str
    token_value: str
    console_token_name: str
    console_token_value: str
    control_url: str
    control_token: str

    def __init__(self, process: subprocess.Popen[bytes], data: Path, ready: dict[str, Any]) -> None:
        self.process = process
        self.data = data
        for name, value in ready.items():
            setattr(self, name, value)
        self._trust = ssl.create_default_context(cafile=self.ca_file)
        self._mine = threading.local()

    @classmethod
    @contextmanager
    def start(
        cls,
        tmp_dir: Path,
        seed: str = "test",
        qemu: str = "never",
        *,
        windows: dict[str, Any] | None = None,
        profile: str = "9.2",
        arguments: tuple[str, ...] = (),
    ) -> Iterator["DevCluster"]:
        """A stand-in on a free loopback port with the fast windows and yours on top; stopped at the end."""
        tmp_dir.mkdir(parents=True, exist_ok=True)
        ready = tmp_dir / "ready.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "devcluster", "--port", "0", "--data", str(tmp_dir), "--seed", seed]
        command += ["--qemu", qemu, "--profile", profile, "--windows", json.dumps({**FAST, **(windows or {})})]
        log = (tmp_dir / "devcluster.log").open("ab")
        process = subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=log, stderr=log, env=_environment())
        try:
            _await_file(ready, process, tmp_dir / "devcluster.log")
            running = cls(process, tmp_dir, json.loads(ready.read_text()))
            yield running
            running.close()
        finally:
            _stop(process)
            log.close()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control interface, path from /state on. Raises DevClusterFailed on a refusal."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Control-Token": self.control_token, "Content-Type": "application/json"}
        connection = self._connection()
        connection.request(method, f"/_control{path}", data, headers)
        answer = connection.getresponse()
        text = answer.read()
        self._mine.used_at = time.monotonic()
        if answer.status != 200:
            raise DevClusterFailed(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text)

    def _connection(self) -> http.client.HTTPSConnection:
        """One for each thread and process, new when it has been idle: the stand-in closes those after five seconds."""
        fresh = getattr(self._mine, "pid", None) == os.getpid() and time.monotonic() - self._mine.used_at < IDLE_S
        if not fresh:
            self.close()
            self._mine.connection = http.client.HTTPSConnection(self.host, self.port, timeout=60, context=self._trust)
            self._mine.pid, self._mine.used_at = os.getpid(), time.monotonic()
        held: http.client.HTTPSConnection = self._mine.connection
        return held

    def close(self) -> None:
        """Close this thread's connection."""
        held = getattr(self._mine, "connection", None)
        if held is not None and self._mine.pid == os.getpid():
            held.close()
        vars(self._mine).clear()

    def state(self, only: str = "") -> dict[str, Any]:
        """The whole truth, or the parts named (comma list)."""
        found: dict[str, Any] = self.control("GET", f"/state?only={only}" if only else "/state")
        return found

    def all_guests(self) -> dict[int, dict[str, Any]]:
        return {int(vmid): guest for vmid, guest in self.state("guests")["guests"].items()}

    def effects(self, verb: str | None = None) -> list[dict[str, Any]]:
        """What really happened to machines, in order."""
        found: list[dict[str, Any]] = self.state("effects")["effects"]
        return [one for one in found if verb is None or one["verb"] == verb]

    def requests(self) -> dict[str, int]:
        """How often each "METHOD /path/{template}" was called since the last reset."""
        found: dict[str, int] = self.state("counters")["counters"]["requests"]
        return found

    def guest(self, **wanted: Any) -> dict[str, Any]:
        """A machine made behind the portal's back; see devcluster.meddle.make_guest for the words."""
        found: dict[str, Any] = self.control("POST", "/guests", wanted)
        return found

    def change(self, vmid: int, **wanted: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.control("PATCH", f"/guests/{vmid}", wanted)
        return found

    def destroy(self, vmid: int) -> None:
        self.control("DELETE", f"/guests/{vmid}")

    def advance(self, seconds: float) -> None:
        self.control("POST", "/clock", {"advance_s": seconds})

    def reset(self) -> None:
        self.control("POST", "/reset")

    @contextmanager
    def fault(self, kind: str, **details: Any) -> Iterator[int]:
        """A fault for the length of the block; its id."""
        fault_id: int = self.control("POST", "/faults", {"kind": kind, **details})["id"]
        try:
            yield fault_id
        finally:
            self.control("DELETE", f"/faults/{fault_id}")

    def wait_until(
        self, true: Callable[[dict[str, Any]], bool], *, parts: str = "", timeout_s: float = 15.0
    ) -> dict[str, Any]:
        """The state once `true(state)` holds. Raises DevClusterFailed at the deadline."""
        deadline = time.monotonic() + timeout_s
        while True:
            found = self.state(parts)
            if true(found):
                return found
            if time.monotonic() > deadline:
                raise DevClusterFailed(f"never came true within {timeout_s} s")
            time.sleep(0.02)

    def settings(self) -> dict[str, Any]:
        """Django settings that make a portal use this cluster."""
        return {
            "PROXMOX_HOSTS": ((self.host, self.port),),
            "PROXMOX_NODE_HOSTS": {},
            "PROXMOX_USER": self.user,
            "PROXMOX_TOKEN_NAME": self.token_name,
            "PROXMOX_TOKEN_VALUE": self.token_value,
            "PROXMOX_CONSOLE_TOKEN_NAME": self.console_token_name,
            "PROXMOX_CONSOLE_TOKEN_VALUE": self.console_token_value,
            "PROXMOX_CA_FILE": self.ca_file,
            "PROXMOX_FINGERPRINTS": (),
            "PROXMOX_VM_STORAGE": "shared",
            "PROXMOX_ISO_STORAGE": "shared",
            "PROXMOX_BRIDGE": "vmbr0",
            "PROXMOX_POOL_PARENT": "",
        }


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}


def _await_file(ready: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise DevClusterFailed(f"the stand-in did not start: {log.read_text()[-2000:]}")
        time.sleep(0.02)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
