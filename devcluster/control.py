"""The control interface: the whole truth, and things that happen behind the portal's back. For tests and the demo."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devcluster import meddle, scene, seed
from devcluster.jobs import JobFailed
from devcluster.machines import MachineError
from devcluster.refusals import Refusal
from devcluster.site import Site
from devcluster.state import Guest

Answer = Callable[[Site, Request], Awaitable[Any]]


class Unfit(Exception):
    """A control request that makes no sense."""


def routes(site: Site) -> list[Route]:
    table: list[tuple[str, str, Answer]] = [
        ("GET", "/state", state),
        ("POST", "/faults", add_fault),
        ("DELETE", "/faults", clear_faults),
        ("DELETE", "/faults/{fault_id:int}", remove_fault),
        ("POST", "/guests", make_guest),
        ("PATCH", "/guests/{vmid:int}", change_guest),
        ("DELETE", "/guests/{vmid:int}", destroy_guest),
        ("GET", "/guests/{vmid:int}/serial", serial),
        ("GET", "/guests/{vmid:int}/ssh", ssh),
        ("GET", "/guests/{vmid:int}/keys", keys),
        ("POST", "/guests/{vmid:int}/screen", screen),
        ("POST", "/guests/{vmid:int}/clipboard", clipboard),
        ("POST", "/pools", make_pool),
        ("POST", "/users", make_user),
        ("POST", "/volumes", make_volume),
        ("DELETE", "/volumes", lose_volume),
        ("POST", "/tasks", begin_task),
        ("PATCH", "/tasks", end_task),
        ("POST", "/nodes", make_node),
        ("POST", "/windows", set_windows),
        ("POST", "/scene", set_scene),
        ("POST", "/reset", reset),
        ("POST", "/clock", clock),
    ]
    return [Route(f"/_control{path}", _guarded(site, answer), methods=[method]) for method, path, answer in table]


def _guarded(site: Site, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        given = request.headers.get("x-control-token", "")
        if not site.control_token or not hmac.compare_digest(given.encode(), site.control_token.encode()):
            return JSONResponse({"error": "wrong control token"}, 403)
        try:
            return JSONResponse(await answer(site, request))
        except (Unfit, KeyError, ValueError, JobFailed, MachineError, Refusal) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)

    return endpoint


async def state(site: Site, request: Request) -> Any:
    """Everything; `?only=guests,effects` takes parts of it."""
    cluster = site.cluster
    parts: dict[str, Callable[[], Any]] = {
        "now": site.clock.now,
        "guests": lambda: {str(vmid): meddle.shown(site, guest) for vmid, guest in sorted(cluster.guests.items())},
        "jobs": lambda: [_job_row(one) for one in site.jobs.all()],
        "pools": lambda: {
            name: {"comment": pool.comment, "vmids": sorted(pool.vmids), "storages": sorted(pool.storages)}
            for name, pool in cluster.pools.items()
        },
        "volumes": lambda: sorted({volid for one in cluster.storages.values() for _, volid in one.volumes}),
        "consoles": lambda: [asdict(one) for one in cluster.consoles],
        "counters": lambda: {"requests": dict(cluster.meters.requests)},
        "spent_s": lambda: dict(cluster.meters.spent_s),
        "effects": lambda: [asdict(one) for one in cluster.effects],
        "faults": lambda: [asdict(one) for one in site.faults.all()],
        "worker_deaths": lambda: cluster.meters.worker_deaths,
        "ever": lambda: {"consoles": site.desk.opened_ever, "worker_deaths": site.desk.deaths_ever},
        "bytes_waiting_max": lambda: cluster.meters.bytes_waiting_max,
    }
    only = request.query_params.get("only")
    return {name: parts[name]() for name in (only.split(",") if only else parts)}


def _job_row(job: Any) -> dict[str, Any]:
    row = {
        name: getattr(job, name) for name in ("upid", "node", "type", "id", "starttime", "endtime", "exitstatus", "log")
    }
    return row | {"status": "running" if job.running else "stopped", "user": job.who.authid}


async def add_fault(site: Site, request: Request) -> Any:
    details = await request.json()
    fault = site.faults.add(str(details.pop("kind")), details, site.clock.now())
    meddle.begin_fault(site, fault)
    return {"id": fault.id}


async def clear_faults(site: Site, request: Request) -> Any:
    for fault in site.faults.all():
        meddle.end_fault(site, fault)
    site.faults.clear()
    return {}


async def remove_fault(site: Site, request: Request) -> Any:
    wanted = request.path_params["fault_id"]
    for fault in site.faults.all():
        if fault.id == wanted:
            meddle.end_fault(site, fault)
    return {"removed": site.faults.remove(wanted)}


def _guest(site: Site, request: Request) -> Guest:
    guest = site.cluster.guests.get(request.path_params["vmid"])
    if guest is None:
        raise Unfit(f"no guest {request.path_params['vmid']}")
    return guest


async def make_guest(site: Site, request: Request) -> Any:
    return meddle.shown(site, await meddle.make_guest(site, await request.json()))


async def change_guest(site: Site, request: Request) -> Any:
    return meddle.shown(site, await meddle.change_guest(site, _guest(site, request), await request.json()))


async def destroy_guest(site: Site, request: Request) -> Any:
    await meddle.destroy_guest(site, _guest(site, request))
    return {}


async def serial(site: Site, request: Request) -> Any:
    return {"text": site.room.machine(_guest(site, request)).serial_text()}


async def ssh(site: Site, request: Request) -> Any:
    """The loopback port that leads to a running guest's SSH server; 0 where it lends none."""
    return {"port": site.room.machine(_guest(site, request)).ssh_port}


async def keys(site: Site, request: Request) -> Any:
    return site.room.machine(_guest(site, request)).events()


async def screen(site: Site, request: Request) -> Any:
    guest, asked = _guest(site, request), await request.json()
    if asked.get("mode") in ("deaf", "listen"):
        site.desk.set_deaf(guest.vmid, asked["mode"] == "deaf")
        return {}
    await site.room.machine(guest).firehose(int(asked.get("fps", 25)) if asked.get("mode") == "firehose" else 0)
    return {}


async def clipboard(site: Site, request: Request) -> Any:
    """The guest copies `text`, `times` over."""
    guest, asked = _guest(site, request), await request.json()
    for _ in range(int(asked.get("times", 1))):
        await site.room.machine(guest).copy(str(asked["text"]))
    return {}


async def make_pool(site: Site, request: Request) -> Any:
    asked = await request.json()
    pool = meddle.ensure_pool(site, str(asked["poolid"]), asked.get("comment"))
    pool.vmids |= {int(vmid) for vmid in asked.get("vmids", [])}
    return {}


async def set_windows(site: Site, request: Request) -> Any:
    """Other periods until the next reset; the names are those of --windows."""
    site.settings.windows.change(await request.json())
    return {}


async def make_user(site: Site, request: Request) -> Any:
    meddle.make_user(site, await request.json())
    return {}


async def make_volume(site: Site, request: Request) -> Any:
    meddle.make_volume(site, await request.json())
    return {}


async def begin_task(site: Site, request: Request) -> Any:
    return {"upid": meddle.begin_task(site, await request.json())}


async def end_task(site: Site, request: Request) -> Any:
    meddle.end_task(site, await request.json())
    return {}


async def lose_volume(site: Site, request: Request) -> Any:
    asked = request.query_params
    storage = site.cluster.storages[asked["storage"]]
    storage.volumes.pop((storage.place(asked.get("node", "")), asked["volid"]))
    return {}


async def make_node(site: Site, request: Request) -> Any:
    meddle.make_node(site, await request.json())
    return {}


async def set_scene(site: Site, request: Request) -> Any:
    """Everything as described and nothing else; /reset leads back to the seed."""
    await scene.build(site, await request.json())
    return {}


async def reset(site: Site, request: Request) -> Any:
    """Back to the seed: faults gone, workers interrupted, machines off, counters at nothing."""
    await meddle.reset(site, seed.seeded(site.settings, site.tokens))
    return {}


async def clock(site: Site, request: Request) -> Any:
    site.clock.advance(float((await request.json())["advance_s"]))
    return {"now": site.clock.now()}
