"""The guest agent: no guest here runs one, so every question ends in one of its refusals."""

from typing import Any

from devcluster.http.calls import CALLS, Call
from devcluster.refusals import failed, forbidden
from devcluster.schema import Rule

BASE = "/nodes/{node}/qemu/{vmid}/agent"
QUESTIONS = [
    "get-fsinfo",
    "get-host-name",
    "get-memory-block-info",
    "get-memory-blocks",
    "get-osinfo",
    "get-time",
    "get-timezone",
    "get-users",
    "get-vcpus",
    "info",
    "network-get-interfaces",
]
ORDERS = [
    "exec",
    "fsfreeze-freeze",
    "fsfreeze-status",
    "fsfreeze-thaw",
    "fstrim",
    "ping",
    "set-user-password",
    "shutdown",
]
OTHERS = ["exec-status", "file-read", "file-write", "suspend-disk", "suspend-hybrid", "suspend-ram"]


@CALLS.on("GET", BASE)
async def index(call: Call) -> Any:
    return [{"name": name} for name in sorted([*QUESTIONS, *ORDERS, *OTHERS])]


async def ask(call: Call) -> Any:
    """A silent agent costs the caller its whole waiting time."""
    site, vmid = call.site, call.vmid
    path = f"/vms/{vmid}"
    names = ("VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted") if site.settings.major >= 9 else ("VM.Monitor",)
    if not call.rights.any(path, names):
        raise forbidden(path, names)
    guest = site.guest(call.node, vmid)
    if not guest.config.get("agent", "0").startswith(("1", "enabled=1")):
        raise failed("No QEMU guest agent configured")
    if guest.power == "stopped":
        raise failed(f"VM {vmid} is not running")
    await site.clock.sleep(site.settings.windows.agent_wait)
    raise failed("QEMU guest agent is not running")


for question in QUESTIONS:
    CALLS.on("GET", f"{BASE}/{question}", protected=True)(ask)
for order in ORDERS:
    CALLS.on("POST", f"{BASE}/{order}", {"command": Rule("array"), "input-data": Rule()}, protected=True)(ask)
