"""The guest agent. No guest here runs one: every question ends in one of its refusals, unless the control interface
was told what a guest's agent would tell (`agent_tells`: {"addresses": [text], "os": text}) and the machine runs."""

from typing import Any

from devcluster.http.calls import CALLS, Call
from devcluster.refusals import failed, forbidden
from devcluster.schema import Rule
from devcluster.state import Guest

MAC = "bc:24:11:00:00:01"
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
    answer = _told(guest, call.path.rpartition("/")[2])
    if answer is not None:
        return {"result": answer}
    await site.clock.sleep(site.settings.windows.agent_wait)
    raise failed("QEMU guest agent is not running")


def _told(guest: Guest, question: str) -> Any:
    """As qemu-ga writes it; None for what the agent was not told to know."""
    tells = guest.agent_tells
    if question == "network-get-interfaces" and "addresses" in tells:
        return [_card("lo", "00:00:00:00:00:00", ["127.0.0.1", "::1"]), _card("eth0", MAC, tells["addresses"])]
    if question == "get-osinfo" and "os" in tells:
        name = str(tells["os"])
        return {"id": name.partition(" ")[0].lower(), "name": name, "pretty-name": name, "machine": "x86_64"}
    return None


def _card(name: str, mac: str, addresses: list[str]) -> dict[str, Any]:
    found = [
        {"ip-address": each, "ip-address-type": "ipv6" if ":" in each else "ipv4", "prefix": 64 if ":" in each else 24}
        for each in addresses
    ]
    return {"name": name, "hardware-address": mac, "ip-addresses": found}


for question in QUESTIONS:
    CALLS.on("GET", f"{BASE}/{question}", protected=True)(ask)
for order in ORDERS:
    CALLS.on("POST", f"{BASE}/{order}", {"command": Rule("array"), "input-data": Rule()}, protected=True)(ask)
