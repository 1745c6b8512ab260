"""The API as an ASGI application: one catch-all route, because unknown paths have their own kind of answer."""

import json
import logging
import re
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from devcluster import control
from devcluster.faults import Fault
from devcluster.http import (
    access,
    agent,
    auth,
    cluster,
    console,
    guest_config,
    guest_power,
    guest_status,
    guests,
    nodes,
    pools,
    snapshots,
    storage,
    tasks,
)
from devcluster.http.body import read_parameters
from devcluster.http.calls import CALLS, Call, Route
from devcluster.refusals import Refusal, bad_parameters, failed, forbidden, not_implemented
from devcluster.schema import DIGEST, NODE, SNAPSHOT, STRING, VMID, Rule, verify
from devcluster.site import Site
from devcluster.state import Identity

PARTS = (
    access,
    agent,
    cluster,
    console,
    guest_config,
    guest_power,
    guest_status,
    guests,
    nodes,
    pools,
    snapshots,
    storage,
    tasks,
)
LOG = logging.getLogger("devcluster")
METHODS = ("GET", "POST", "PUT", "DELETE")
PATH_RULES: dict[str, Rule] = {"node": NODE, "vmid": VMID, "snapname": SNAPSHOT, "digest": DIGEST}
NOBODY = Identity("nobody@pve")
CUTS = {"lose_after": "answer", "cut_mid_answer": "half"}


#: From here on the proxy between nodes answers, with a reason and nothing else.
NO_BODY = 595


def build_app(site: Site) -> Starlette:
    """The whole HTTP side of the stand-in except the raw vncwebsocket."""

    async def api(request: Request) -> Response:
        return await answer(site, request)

    routes = [
        StarletteRoute("/api2/json{path:path}", api, methods=[*METHODS, "PATCH", "HEAD"]),
        *control.routes(site),
    ]
    return Starlette(routes=routes)


async def answer(site: Site, request: Request) -> Response:
    path = request.url.path.removeprefix("/api2/json").rstrip("/") or "/"
    if site.faults.for_call("lose_before", request.method, path):
        return Response(headers={"x-cut": "answer"})
    try:
        data, envelope = await _handle(site, request, path)
        response = _json(200, "OK", {"data": data, **envelope})
    except Refusal as refusal:
        if refusal.status == 401:
            await site.clock.sleep(site.settings.windows.auth_delay)
        response = _refused(refusal)
    except Exception:
        LOG.exception("%s %s", request.method, path)
        response = _refused(failed("the stand-in itself is broken: see its log"))
    for kind, cut in CUTS.items():
        if site.faults.for_call(kind, request.method, path):
            response.headers["x-cut"] = cut
    return response


async def _handle(site: Site, request: Request, path: str) -> tuple[Any, dict[str, Any]]:
    method = request.method
    if method not in METHODS:
        raise Refusal(501, f"method '{method}' not available", empty=True)
    found = CALLS.find(method, path)
    site.cluster.meters.requests[f"{method} {found[0].template if found else path}"] += 1
    given = await read_parameters(request)
    who = NOBODY if found and found[0].open_to_all else auth.identify(site, request.headers, method)
    if found is None:
        raise not_implemented(method, path)
    route, in_path = found
    call = Call(site, who, site.access.rights(who), method, path, {**given, **in_path})
    await _delay(site, method, path)
    _check_needs(call, route)
    hung = await _reach_node(call, route)
    call.params = _verified(route, given, in_path)
    _break_on_demand(call)
    data = await route.handler(call)
    if hung is not None:
        raise await _hang(site)
    return data, call.envelope


async def _delay(site: Site, method: str, path: str) -> None:
    slow = site.faults.for_call("slow", method, path)
    if slow is not None:
        await site.clock.sleep(float(slow.details.get("seconds", 1)))


def _check_needs(call: Call, route: Route) -> None:
    """Declared privileges are checked before the parameters are even looked at."""
    if route.needs is None:
        return
    template, privileges = route.needs
    path = template.format_map({name: str(value) for name, value in call.params.items()})
    if not re.fullmatch(r"[A-Za-z0-9/._@!-]+", path) or "!" in path:
        raise Refusal(403, f"Permission check failed (, {'|'.join(privileges)})")
    if not call.rights.any(path, privileges):
        raise forbidden(path, privileges)


async def _reach_node(call: Call, route: Route) -> Fault | None:
    """Forward to the node: it may not exist, be down, or take the request and never answer."""
    if not route.on_node:
        return None
    site, node = call.site, str(call.params["node"])
    if node not in site.cluster.nodes:
        text = f"failed to get address info for: {node}: Name or service not known"
        raise failed(f"hostname lookup '{node}' failed - {text}")
    if site.faults.of("node_down", node=node):
        await site.clock.sleep(site.settings.windows.connect_fail)
        raise Refusal(595, "No route to host", empty=True)
    if route.protected and site.faults.of("daemon_down", node=node):
        raise Refusal(595, "Connection refused", empty=True)
    hang = site.faults.of("node_hang", node=node)
    if hang is None or (hang.details.get("protected_only") and not route.protected):
        return None
    if hang.details.get("effect"):
        return hang
    raise await _hang(site)


async def _hang(site: Site) -> Refusal:
    await site.clock.sleep(site.settings.windows.proxy_timeout)
    return Refusal(596, "Connection timed out", empty=True)


def _verified(route: Route, given: dict[str, Any], in_path: dict[str, str]) -> dict[str, Any]:
    rules = {**{name: PATH_RULES.get(name, STRING) for name in in_path}, **route.rules}
    twice = [name for name, value in in_path.items() if name in given and str(given[name]) != value]
    values, errors = verify(rules, {**given, **in_path})
    for name in twice:
        errors[name] = "duplicate parameter (already defined in URI) with conflicting values!"
    if errors:
        raise bad_parameters(errors)
    return values


def _break_on_demand(call: Call) -> None:
    fault = call.site.faults.for_call("error500", call.method, call.path)
    if fault is not None:
        sentence, status = str(fault.details.get("sentence", "internal error")), int(fault.details.get("status", 500))
        raise failed(sentence) if status == 500 else Refusal(status, sentence, empty=status >= NO_BODY)
    changes = call.method != "GET" and call.path != "/access/ticket"
    if changes and call.site.faults.of("no_quorum"):
        raise failed("cluster not ready - no quorum?")


def _refused(refusal: Refusal) -> Response:
    if refusal.empty:
        response = Response(status_code=refusal.status)
    else:
        message = refusal.message.rstrip("\n") + "\n"
        body: dict[str, Any] = {"data": None, "message": message}
        if refusal.errors:
            body["errors"] = refusal.errors
        response = _json(refusal.status, refusal.reason, body)
    response.headers["x-reason"] = _header(refusal.reason)
    response.headers["connection"] = "close"
    return response


def _json(status: int, reason: str, body: Any) -> Response:
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    headers = {"x-reason": _header(reason), "cache-control": "max-age=0", "pragma": "no-cache"}
    return Response(text.encode(), status, headers, media_type="application/json;charset=UTF-8")


def _header(text: str) -> str:
    """The bytes of UTF-8, dressed as latin-1, which is how they travel in a status line."""
    return text.encode().decode("latin-1")
