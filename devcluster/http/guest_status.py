"""What a machine is doing now, and what it did."""

from typing import Any

from devcluster.http.calls import CALLS, Call
from devcluster.http.nodes import FRAME, points
from devcluster.refusals import failed
from devcluster.report import MIB, current_row
from devcluster.schema import STRING

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
    running = guest.power != "stopped"
    values = {"cpu": 0.02 if running else 0, "maxcpu": guest.cores, "maxmem": guest.memory_mib * MIB, "disk": 0}
    values |= {"mem": guest.memory_mib * MIB // 3 if running else 0, "maxdisk": guest.boot_disk_bytes}
    values |= dict.fromkeys(("netin", "netout", "diskread", "diskwrite"), 0)
    if site.settings.major >= 9:
        values |= {f"pressure{of}{kind}": 0 for of in ("cpu", "io", "memory") for kind in ("some", "full")}
        values["memhost"] = values["mem"]
    return points(call, guest.created, values)
