"""vncproxy and vncwebsocket. The latter is only the ticket's check: `devcluster.console_socket` asks here first, as
pveproxy asks its own API, and switches protocols when the answer is 200."""

from typing import Any

from devcluster.http.calls import CALLS, Call
from devcluster.refusals import Refusal
from devcluster.schema import BOOL, Rule

CONSOLE = ("/vms/{vmid}", ("VM.Console",))
PORT = Rule("integer", optional=False, minimum=5900, maximum=5999)
TICKET = Rule(optional=False, max_length=512)


@CALLS.on(
    "POST",
    "/nodes/{node}/qemu/{vmid}/vncproxy",
    {"websocket": BOOL, "generate-password": BOOL},
    needs=CONSOLE,
    protected=True,
    proxied=False,
)
async def vncproxy(call: Call) -> dict[str, Any]:
    """Works for stopped and locked machines too; only the connection shows whether there is a screen."""
    guest = call.site.guest(call.node, call.vmid)
    old = call.site.settings.old_vnc_tickets
    console, bare = call.site.desk.open(guest, call.who)
    told = {
        "user": call.who.authid,
        "port": str(console.row.port),
        "upid": console.row.upid,
        "cert": call.site.certificate,
    }
    if not old:
        return {**told, "ticket": f"{console.password}:{bare}", "password": console.password}
    if call.params.get("generate-password"):
        return {**told, "ticket": bare, "password": console.password}
    console.password = bare[:8]
    return {**told, "ticket": bare}


@CALLS.on(
    "GET",
    "/nodes/{node}/qemu/{vmid}/vncwebsocket",
    {"port": PORT, "vncticket": TICKET},
    needs=CONSOLE,
    proxied=False,
)
async def vncwebsocket(call: Call) -> dict[str, Any]:
    port = int(call.params["port"])
    if not call.site.desk.ticket_fits(str(call.params["vncticket"]), call.who, call.vmid, port):
        raise Refusal(401, "permission denied - invalid PVEVNC ticket")
    return {"port": str(port)}
