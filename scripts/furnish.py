"""Puts the demo's machines into the stand-in at its first start, as a house's admins would have left them."""

import http.client
import json
import ssl
from typing import Any

from scripts.speech import Refusal

LINUX = {"ide2": "shared:iso/small-linux.iso,media=cdrom", "boot": "order=ide2"}
AT_BOOT = LINUX | {"onboot": "1"}
#: What is there when alice signs in for the first time.
MACHINES: tuple[dict[str, Any], ...] = (
    {"vmid": 201, "name": "wiki", "pool": "alice", "node": "pve1", "cores": 1, "memory_mib": 256, "disk_gib": 8,
     "status": "running", "config": AT_BOOT},
    {"vmid": 202, "name": "build-box", "pool": "alice", "node": "pve2", "cores": 2, "memory_mib": 512, "disk_gib": 16,
     "status": "stopped", "config": LINUX},
    {"vmid": 203, "name": "scoreboard", "pool": "ctf", "node": "pve3", "cores": 1, "memory_mib": 256, "disk_gib": 8,
     "status": "running", "config": AT_BOOT},
)  # fmt: skip


def furnish(ready: dict[str, Any]) -> None:
    """Makes the machines that are not there. `ready` is what the stand-in wrote about itself."""
    there = set(_guests(ready))
    for pool in sorted({machine["pool"] for machine in MACHINES}):
        _ask(ready, "POST", "/pools", {"poolid": pool})
    for machine in MACHINES:
        if str(machine["vmid"]) not in there:
            _ask(ready, "POST", "/guests", machine)


def boot(ready: dict[str, Any]) -> None:
    """Starts the machines that start with their node: at each start of the demo the nodes have just come up."""
    for vmid, guest in _guests(ready).items():
        if guest["config"].get("onboot") == "1" and guest["status"] == "stopped":
            _ask(ready, "PATCH", f"/guests/{vmid}", {"status": "running"})


def _guests(ready: dict[str, Any]) -> dict[str, Any]:
    return dict(_ask(ready, "GET", "/state?only=guests")["guests"])


def _ask(ready: dict[str, Any], method: str, path: str, body: object = None) -> Any:
    context = ssl.create_default_context(cafile=ready["ca_file"])
    connection = http.client.HTTPSConnection(ready["host"], ready["port"], timeout=60, context=context)
    headers = {"X-Control-Token": ready["control_token"], "Content-Type": "application/json"}
    try:
        connection.request(method, f"/_control{path}", json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise Refusal(
            f"The stand-in cluster does not answer ({error}). See the log in .demo/logs/cluster.log."
        ) from error
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise Refusal(f"The stand-in cluster did not take the demo's machines: {text.decode(errors='replace')}")
    return json.loads(text)
