"""Runs docker-compose.yml without Docker: its commands, variables and configuration, on ports and folders of a test."""

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.children import Child, free_port, listens
from tests.deploy.compose import ROOT, services
from tests.devcluster.cluster import DevCluster
from tests.servers import NginxServer, PostgresServer, RedisServer

START_S = 120.0
PROGRAMS = Path(sys.executable).parent
#: The variables of a composed service must be all it has, but for what any program needs.
KEPT = ("HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


@dataclass
class Composed:
    """The seven services, running. `origin` is the proxy's address, the only one a browser knows."""

    origin: str
    port: int
    cluster: DevCluster
    environments: dict[str, dict[str, str]]
    children: dict[str, Child] = field(default_factory=dict)

    def manage(self, service: str, *arguments: str, typed: str = "") -> str:
        """`docker compose exec SERVICE python manage.py …`: in that service's environment."""
        with Child(f"manage-{service}") as child:
            return child.run([sys.executable, "manage.py", *arguments], cwd=ROOT, typed=typed,
                             env=self.environments[service])  # fmt: skip


class Places:
    """What Docker gives each service and a test gives differently: names of hosts, ports, folders."""

    def __init__(self, changes: Mapping[str, str]) -> None:
        self._changes = dict(changes)
        self._unused = set(self._changes)

    def put(self, text: str) -> str:
        """The text with our places in it."""
        for theirs, ours in self._changes.items():
            if theirs in text:
                self._unused.discard(theirs)
                text = text.replace(theirs, ours)
        return text

    def unused(self) -> set[str]:
        """Places that nothing named: the file has changed, and the test no longer runs what it says."""
        return set(self._unused)


@contextmanager
def composed(cluster: DevCluster, folder: Path) -> Iterator[Composed]:
    """Everything up, in the file's order; ended in the reverse one."""
    port, password = free_port(), secrets.token_hex(12)
    found = services(site_variables(cluster, port, password))
    with ExitStack() as stack:
        db, redis = found["db"], found["redis"]
        postgres = PostgresServer(db["command"][1:])
        postgres.owner = db["environment"]["POSTGRES_USER"]
        postgres.database = db["environment"]["POSTGRES_DB"]
        postgres.password = db["environment"]["POSTGRES_PASSWORD"]
        stack.enter_context(postgres)
        broker = stack.enter_context(RedisServer(redis["command"][1:]))
        ports = {name: free_port() for name in ("web", "consoles")}
        common = {
            "@db:5432/": f"@127.0.0.1:{postgres.port}/",
            "redis:6379/": f"127.0.0.1:{broker.port}/",
            "/run/proxmox/ca.pem": cluster.ca_file,
            "/tmp/beat": str(folder / "beat"),
        }
        places = {
            name: Places(common | listening(ports.get(name, 0))) for name in ("web", "consoles", "worker", "beat")
        }
        environments = {name: environment(found[name], places[name], folder) for name in places}
        house = Composed(f"http://127.0.0.1:{port}", port, cluster, environments)
        house.manage("web", "collectstatic", "--no-input", "--verbosity", "0")
        for name, own in places.items():
            child = stack.enter_context(Child(name))
            house.children[name] = child
            start(child, found[name]["command"], own, environments[name], ports.get(name, 0))
        unused = set.intersection(*(own.unused() & set(common) for own in places.values()))
        assert unused == set(), f"docker-compose.yml names none of {unused} any more"
        proxy = nginx_places(port, ports)
        server = NginxServer(proxy, port=port)
        house.children["proxy"] = stack.enter_context(server)
        yield house


def site_variables(cluster: DevCluster, port: int, password: str) -> dict[str, str]:
    """What a house writes into .env."""
    return {
        "SITE_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DATABASE_PASSWORD": password,
        "PROXMOX_HOSTS": f"{cluster.host}:{cluster.port}",
        "PROXMOX_USER": cluster.user,
        "PROXMOX_TOKEN_NAME": cluster.token_name,
        "PROXMOX_TOKEN_VALUE": cluster.token_value,
        "PROXMOX_CONSOLE_TOKEN_NAME": cluster.console_token_name,
        "PROXMOX_CONSOLE_TOKEN_VALUE": cluster.console_token_value,
        "PROXMOX_VM_STORAGE": "shared",
        "PROXMOX_ISO_STORAGE": "shared",
    }


def listening(port: int) -> dict[str, str]:
    """Daphne's address of the file, and the test's."""
    return {"0.0.0.0": "127.0.0.1", "-p 8000": f"-p {port}"} if port else {}


def environment(service: Mapping[str, Any], places: Places, folder: Path) -> dict[str, str]:
    """The service's own variables and what the image sets; nothing of the test's environment that names the portal."""
    given = {name: places.put(str(value)) for name, value in service["environment"].items()}
    image = {"STATIC_ROOT": str(folder / "static"), "DATA_DIR": str(folder / "data"), "PYTHONUNBUFFERED": "1"}
    path = os.pathsep.join((str(PROGRAMS), os.environ.get("PATH", "")))
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | {"PATH": path} | image | given


def start(child: Child, command: list[str], places: Places, env: dict[str, str], port: int) -> None:
    """The file's command as it stands, but for the places; ready when it listens or says that it works."""
    words = [places.put(word) for word in command]
    if "-p" in words:  # a port of its own word
        words[words.index("-p") + 1] = str(port)
    program = words[0] if words[0] == "sh" else str(PROGRAMS / words[0])
    mark = "beat: Starting" if "beat" in words else " ready."
    ready = (lambda: listens(port)) if port else (lambda: mark in child.tail(200))
    child.start([program, *words[1:]], ready=ready, env=env, cwd=ROOT, deadline_s=START_S)


def nginx_places(
    port: int, ports: Mapping[str, int], *, resolver: int = 0, changes: Mapping[str, str] | None = None
) -> Any:
    """deploy/nginx.conf with the test's ports and folder in it, as a function of the folder.

    `resolver`: where `tests.deploy.names` answers for `web` and `consoles`; else both are one process of the loopback.
    `changes`: what else differs, such as a time-out. Each of them has to be in the file.
    """
    hosts = {name: name if resolver else "127.0.0.1" for name in ("web", "consoles")}

    def write(own: Path) -> str:
        places = Places({
            "listen 8080;": f"listen 127.0.0.1:{port};",
            "resolver 127.0.0.11 valid": f"resolver 127.0.0.1:{resolver or 53} valid",
            "$web web:8000;": f"$web {hosts['web']}:{ports['web']};",
            "$consoles consoles:8000;": f"$consoles {hosts['consoles']}:{ports['consoles']};",
            "/etc/nginx/tls/": f"{own}/tls/",
            " /tmp/": f" {own}/",
            "/dev/stdout": f"{own}/access.log",
            "/dev/stderr": f"{own}/error.log",
            **(changes or {}),
        })  # fmt: skip
        text = places.put((ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8"))
        assert places.unused() == set()
        return text

    return write
