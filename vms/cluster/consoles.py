"""The first of a console's steps: have Proxmox open a port for one viewer."""

from vms.cluster import parse
from vms.cluster.errors import Malformed
from vms.cluster.guard import Guard
from vms.cluster.types import ConsoleEndpoint, GuestRef, Upid


class Consoles(Guard):
    """Calls of the console process."""

    def console_endpoint(self, ref: GuestRef) -> ConsoleEndpoint:
        """Open a port for one connection within 10 s, on the host that must be connected to.

        Proxmox does this for a stopped machine too, whose console then ends at once. Both calls of a console go to
        one host: the node's own where its address is set, else the configured host that answered.
        """
        self.verified(ref, may_lack_pool_right=True)
        path = ("nodes", ref.node, "qemu", ref.vmid)
        answer = self.line.change(
            "POST",
            *path,
            "vncproxy",
            options={"websocket": True, "generate-password": True},
            host=self.line.config.node_host(ref.node),
        )
        row = answer.content if isinstance(answer.content, dict) else {}
        ticket, port = str(row.get("ticket") or ""), parse.whole(row.get("port"))
        if not ticket or port is None:
            raise Malformed("vncproxy answered without ticket or port.")
        return ConsoleEndpoint(
            host=answer.host[0],
            port=answer.host[1],
            path=f"/api2/json/{'/'.join(map(str, path))}/vncwebsocket",
            trust=self.line.config.trust,
            vnc_port=port,
            ticket=ticket,
            password=str(row.get("password") or ticket[:8]),
            authorization=self.line.config.authorization,
            upid=_task(row.get("upid")),
        )


def _task(text: object) -> Upid | None:
    try:
        return parse.upid(text)
    except ValueError:
        return None
