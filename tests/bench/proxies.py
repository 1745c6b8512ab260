"""The ways from a browser to a node that are measured beside each other, each a target that `load` understands."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.children import PROXY_CPU, ROOT, FarEnd, own, pin, pinned
from tests.bench.house import House
from tests.children import Child, free_port, listens
from tests.consoles.portal import serving
from tests.servers import NginxServer

Target = dict[str, Any]
VNC = "/api2/json/nodes/pve1/qemu/100/vncwebsocket?port=5900&vncticket=bench"
BINARY = [["Sec-WebSocket-Protocol", "binary"]]
OURS, WEBSOCKIFY, NAIVE, NGINX, DIRECT = "ours", "websockify", "naive", "nginx", "direct"
#: nginx as a plain relay with buffers that suit it; what a house puts in front is deploy/nginx.conf.
RELAY = """
pid {folder}/nginx.pid;
worker_processes 1;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass https://127.0.0.1:{node};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_buffering off;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_busy_buffers_size 128k;
      proxy_ssl_verify on;
      proxy_ssl_name localhost;
      proxy_ssl_trusted_certificate {ca};
    }}
  }}
}}
"""


@dataclass
class Way:
    """One way. `pid` is the process that is measured, 0 where nothing stands between."""

    name: str
    pid: int
    targets: Callable[[int], list[Target]]

    @property
    def target(self) -> Target:
        """Where one console is opened."""
        return self.targets(1)[0]


def plain(
    port: int, path: str = "/", headers: list[list[str]] | None = None, ca: str = ""
) -> Callable[[int], list[Target]]:
    """The same target for every console."""
    one = {"host": "127.0.0.1", "port": port, "path": path, "headers": headers or BINARY, "ca": ca}
    return lambda count: [one] * count


@contextmanager
def ours(
    house: House, node: FarEnd, folder: Path, application: str = "vmportal.asgi_consoles:application"
) -> Iterator[Way]:
    """The process that carries consoles, with all it does for a person."""
    with serving(node, folder, application, **house.variables) as portal:  # type: ignore[arg-type]
        pin(portal.process.pid, PROXY_CPU)

        def targets(count: int) -> list[Target]:
            return [
                {"host": "127.0.0.1", "port": portal.port, "path": path, "headers": headers}
                for path, headers in house.tickets(count, portal.origin)
            ]

        try:
            yield Way(OURS, portal.process.pid, targets)
        except BaseException:
            sys.stderr.write(portal.log.read_text(encoding="utf-8")[-4000:])
            raise


@contextmanager
def websockify(node: FarEnd) -> Iterator[Way]:
    """PyPI's, which wants a bare TLS target."""
    port, child = free_port(), Child("websockify")
    command = [sys.executable, "-m", "websockify", "--ssl-target", f"127.0.0.1:{port}", f"127.0.0.1:{node.bare_port}"]
    with running(child, pinned(command, PROXY_CPU), port, own(SSL_CERT_FILE=str(node.ca))):
        yield Way(WEBSOCKIFY, pid_of(child), plain(port))


@contextmanager
def naive(node: FarEnd) -> Iterator[Way]:
    """What one would write first, under the plain daphne command."""
    port, child = free_port(), Child("naive")
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "tests.bench.naive:application"]
    known = {"NAIVE_TARGET": f"wss://127.0.0.1:{node.port}{VNC}", "NAIVE_CA": str(node.ca)}
    environment = own(**known, DJANGO_SETTINGS_MODULE="tests.settings")
    with running(child, pinned(command, PROXY_CPU), port, environment):
        yield Way(NAIVE, pid_of(child), plain(port))


@contextmanager
def nginx(node: FarEnd) -> Iterator[Way]:
    """A relay in C. Skips where it is not installed."""
    port = free_port()
    with NginxServer(
        lambda folder: RELAY.format(folder=folder, port=port, node=node.port, ca=node.ca), port=port
    ) as server:
        for process in (pid_of(server), *children_of(pid_of(server))):
            pin(process, PROXY_CPU)
        yield Way(NGINX, pid_of(server), plain(port, VNC))


@contextmanager
def direct(node: FarEnd) -> Iterator[Way]:
    """Nothing between."""
    yield Way(DIRECT, 0, plain(node.port, VNC, ca=str(node.ca)))


@contextmanager
def ways(house: House, node: FarEnd, folder: Path, *names: str) -> Iterator[dict[str, Way]]:
    """The named ones, all running."""
    makers: dict[str, Callable[[], Any]] = {
        OURS: lambda: ours(house, node, folder), WEBSOCKIFY: lambda: websockify(node), NAIVE: lambda: naive(node),
        NGINX: lambda: nginx(node), DIRECT: lambda: direct(node),
    }  # fmt: skip
    with ExitStack() as stack:
        yield {name: stack.enter_context(makers[name]()) for name in names}


@contextmanager
def running(child: Child, command: list[str], port: int, environment: dict[str, str]) -> Iterator[None]:
    """The child, from the moment it listens to the end of the block."""
    child.start(command, ready=lambda: listens(port), cwd=ROOT, env=environment)
    try:
        yield
    finally:
        child.stop()


def pid_of(child: Child) -> int:
    """The child's process."""
    assert child.process is not None
    return child.process.pid


def children_of(pid: int) -> list[int]:
    """Processes that this one started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(word) for word in text.split()]
