"""The demo as a person starts it, with real QEMU guests, as a child of a test."""

import json
import os
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.children import Child, free_port

ROOT = Path(__file__).resolve().parents[2]
START_S = 300.0


class DemoHouse:
    """Its address, its sign-ins, and the stand-in's control interface."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.site = folder, f"http://127.0.0.1:{port}"
        self.sign_ins: dict[str, str] = json.loads((folder / "sign-ins.json").read_text(encoding="utf-8"))
        self._ready: dict[str, Any] = json.loads((folder / "cluster" / "ready.json").read_text(encoding="utf-8"))

    def guests(self) -> list[dict[str, Any]]:
        """Every guest as the stand-in knows it."""
        return list(self._control("/state?only=guests")["guests"].values())

    def guest(self, name: str) -> dict[str, Any] | None:
        """The guest of this name, if there is one."""
        return next((guest for guest in self.guests() if guest["name"] == name), None)

    def serial(self, name: str) -> str:
        """What the guest of this name wrote on its serial line."""
        guest = self.guest(name)
        return str(self._control(f"/guests/{guest['vmid']}/serial")["text"]) if guest else ""

    @property
    def has_real_guests(self) -> bool:
        """False where QEMU is missing and cards are painted."""
        return bool(self._ready["guests"] == "qemu")

    @property
    def secrets(self) -> list[str]:
        """What no page may hold: tokens of Proxmox, its address, and the words its tickets begin with."""
        tokens = [self._ready[name] for name in ("token_value", "console_token_value", "control_token")]
        return [*tokens, f"{self._ready['host']}:{self._ready['port']}", "PVEVNC:", "PVEAPIToken", "PVEAuthCookie"]

    def _control(self, path: str) -> Any:
        answer = httpx.get(
            self._ready["control_url"] + path, headers={"X-Control-Token": self._ready["control_token"]},
            verify=ssl.create_default_context(cafile=self._ready["ca_file"]), timeout=30,
        )  # fmt: skip
        return answer.raise_for_status().json()


@contextmanager
def demo_house() -> Iterator[DemoHouse]:
    """Started, and ended with every process of it."""
    with Child("demo") as child:
        folder, port = child.folder / "demo", free_port()
        command = [sys.executable, "-m", "scripts.demo", "--folder", str(folder), "--port", str(port)]
        child.start(
            [*command, "--guests", "require"], cwd=ROOT, env=dict(os.environ), deadline_s=START_S,
            ready=lambda: "Ctrl+C stops it" in child.tail(),
        )  # fmt: skip
        yield DemoHouse(folder, port)
