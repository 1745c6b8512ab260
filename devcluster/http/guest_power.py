"""Power: each call only forks a worker; a bad state is refused at once or ends the task, as the real one does."""

from collections.abc import Awaitable, Callable
from typing import Any

from devcluster import power
from devcluster.http.calls import CALLS, Call
from devcluster.jobs import Job
from devcluster.refusals import bad_parameter, failed
from devcluster.schema import BOOL, COUNT, STRING
from devcluster.state import Guest

POWER = ("/vms/{vmid}", ("VM.PowerMgmt",))
BASE = "/nodes/{node}/qemu/{vmid}/status"
START = {"skiplock": BOOL, "timeout": COUNT, "machine": STRING, "migratedfrom": STRING, "force-cpu": STRING}
STOP = {"skiplock": BOOL, "timeout": COUNT, "keepActive": BOOL, "overrule-shutdown": BOOL}
SHUTDOWN = {"skiplock": BOOL, "timeout": COUNT, "forceStop": BOOL, "keepActive": BOOL}


def _fork(call: Call, kind: str, work: Callable[[Job], Awaitable[None]]) -> str:
    if call.params.get("skiplock"):
        raise bad_parameter(skiplock="Only root may use this option.")
    return call.site.jobs.start(call.node, kind, str(call.vmid), call.who, work).upid


def _running(call: Call, *, paused_is_fine: bool = True) -> Guest:
    guest = call.site.guest(call.node, call.vmid)
    if guest.power == "stopped":
        raise failed(f"VM {call.vmid} not running")
    if guest.power == "paused" and not paused_is_fine:
        raise failed("VM is paused - cannot shutdown")
    return guest


@CALLS.on("POST", f"{BASE}/start", START, needs=POWER, protected=True)
async def start(call: Call) -> Any:
    """Even a machine that does not exist gets a UPID."""
    site, node, vmid = call.site, call.node, call.vmid
    return _fork(call, "qmstart", lambda job: power.start(site, node, vmid, job))


@CALLS.on("POST", f"{BASE}/stop", STOP, needs=POWER, protected=True)
async def stop(call: Call) -> Any:
    site, node, vmid = call.site, call.node, call.vmid
    overrule = bool(call.params.get("overrule-shutdown"))
    return _fork(call, "qmstop", lambda job: power.stop(site, node, vmid, job, overrule=overrule))


@CALLS.on("POST", f"{BASE}/shutdown", SHUTDOWN, needs=POWER, protected=True)
async def shutdown(call: Call) -> Any:
    site, node, vmid, asked = call.site, call.node, call.vmid, call.params
    guest = site.guest(node, vmid)
    force = bool(asked.get("forceStop"))
    if guest.power == "paused" and not force:
        raise failed("VM is paused - cannot shutdown")
    timeout_s = _timeout_s(call)
    return _fork(
        call,
        "qmshutdown",
        lambda job: power.shutdown(site, node, vmid, job, timeout_s=timeout_s, force_stop=force),
    )


def _timeout_s(call: Call) -> float:
    """The caller's seconds, but never longer than this stand-in's window."""
    longest = call.site.settings.windows.shutdown_timeout
    return min(float(call.params.get("timeout", longest)), longest)


@CALLS.on("POST", f"{BASE}/reboot", {"timeout": COUNT}, needs=POWER, protected=True)
async def reboot(call: Call) -> Any:
    site, node, vmid = call.site, call.node, call.vmid
    _running(call, paused_is_fine=False)
    timeout_s = _timeout_s(call)
    return _fork(call, "qmreboot", lambda job: power.reboot(site, node, vmid, job, timeout_s=timeout_s))


@CALLS.on("POST", f"{BASE}/reset", {"skiplock": BOOL}, needs=POWER, protected=True)
async def reset(call: Call) -> Any:
    return _simple(call, "qmreset", "reset")


@CALLS.on(
    "POST", f"{BASE}/suspend", {"skiplock": BOOL, "todisk": BOOL, "statestorage": STRING}, needs=POWER, protected=True
)
async def suspend(call: Call) -> Any:
    return _simple(call, "qmpause", "suspend")


@CALLS.on("POST", f"{BASE}/resume", {"skiplock": BOOL, "nocheck": BOOL}, needs=POWER, protected=True)
async def resume(call: Call) -> Any:
    return _simple(call, "qmresume", "resume")


def _simple(call: Call, kind: str, verb: str) -> str:
    site, node, vmid = call.site, call.node, call.vmid
    _running(call)
    return _fork(call, kind, lambda job: power.simple(site, node, vmid, job, verb))
