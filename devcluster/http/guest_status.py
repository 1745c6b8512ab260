"""What a machine is doing now, and what it did."""

import hashlib
from typing import Any

from devcluster.http.calls import CALLS, Call
from devcluster.http.nodes import FRAME, FRAMES_9_S, points
from devcluster.refusals import failed
from devcluster.report import MIB, Row, current_row
from devcluster.schema import STRING
from devcluster.site import Site
from devcluster.state import Guest

AUDIT = ("/vms/{vmid}", ("VM.Audit",))
PARTS = (
    "config cloudinit pending status unlink vncproxy termproxy migrate resize move rrd rrddata monitor agent snapshot"
    " spiceproxy sendkey firewall mtunnel remote_migrate"
)


@CALLS.on("GET", "/nodes/{node}/qemu/{vmid}")
async def index(call: Call) -> Any:
    return [{"subdir": name} for name in PARTS.split()]


@CALLS.on("GET", "/nodes/{node}/qemu/{vmid}/status")
async def status_index(call: Call) -> Any:
    return [{"subdir": name} for name in ("current", "start", "stop", "reset", "shutdown", "suspend", "reboot")]


@CALLS.on("GET", "/nodes/{node}/qemu/{vmid}/status/current", needs=AUDIT, protected=True)
async def current(call: Call) -> Any:
    return current_row(call.site, call.site.guest(call.node, call.vmid))


@CALLS.on("GET", "/nodes/{node}/qemu/{vmid}/rrddata", FRAME | {"ds": STRING}, needs=AUDIT, proxied=False)
async def history(call: Call) -> Any:
    """A machine younger than the first round of the status daemon has no archive yet."""
    site, vmid = call.site, call.vmid
    guest = site.cluster.guests.get(vmid)
    if guest is None or site.reported(guest) is None:
        place = f"pve2-vm/{vmid}" if site.settings.major < 9 else f"pve-vm-9.0/{vmid}"
        raise failed(f"RRD error: opening '/var/lib/rrdcached/db/{place}': No such file or directory")
    _refuse_too_young(call, guest)
    values: Row = {"maxcpu": guest.cores, "maxmem": guest.memory_mib * MIB, "disk": 0, "maxdisk": guest.boot_disk_bytes}
    rows = points(call, guest.created, values)
    ran = [*guest.ran, (guest.started_at, site.clock.now())] if guest.started_at is not None else guest.ran
    known = [row for row in rows if len(row) > 1 and _is_within(row["time"], ran)]
    for row in known:
        row.update(_measured(site, guest, row["time"]))
    return rows


def _refuse_too_young(call: Call, guest: Guest) -> None:
    """Release 9 answers so while no whole step of the frame has passed since the machine was made."""
    step = FRAMES_9_S[str(call.params["timeframe"])]
    now = call.site.clock.now()
    if call.site.settings.major >= 9 and step > FRAMES_9_S["hour"] and now - guest.created < step:
        end = min(int(now) // step * step, int(guest.created)) - 1
        raise failed(f"RRD error: start ({int(guest.created)}) should be less than end ({end})")


def _is_within(at: int, spans: list[tuple[float, float]]) -> bool:
    return any(since <= at <= until for since, until in spans)


def _measured(site: Site, guest: Guest, at: int) -> Row:
    """What a running machine adds; the same for the same moment, and moving. One that is off adds nothing."""
    chance = hashlib.sha256(f"{guest.vmid} {at}".encode()).digest()
    cpu, mem, net, disk = (byte / 255 for byte in chance[:4])
    row: Row = {"cpu": 0.02 + 0.5 * cpu**4, "mem": guest.memory_mib * MIB * (0.3 + 0.2 * mem)}
    row |= {"netin": 110 + 40_000 * net**3, "netout": 40 + 9_000 * net**3}
    row |= {"diskread": 70_000 * disk**6, "diskwrite": 2_000 + 90_000 * disk**3}
    if site.settings.major >= 9:
        row |= {f"pressure{of}{kind}": 0 for of in ("cpu", "io", "memory") for kind in ("some", "full")}
        row["memhost"] = row["mem"]
    return row
