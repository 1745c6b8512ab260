"""`python -m devcluster`: start the stand-in, say when it is ready, end on a signal or with its parent."""

import argparse
import asyncio
import contextlib
import ctypes
import json
import secrets
import signal
import sys
import uuid
from pathlib import Path
from typing import Any, get_args

from devcluster import meddle, persist
from devcluster.clock import Clock
from devcluster.http.app import build_app
from devcluster.machines import MachineRoom
from devcluster.rooms import GUESTS, choose_room, guests_of
from devcluster.seed import CONSOLE_TOKEN, NODES, TOKEN, USER, seeded
from devcluster.server import ApiServer
from devcluster.settings import Profile, Settings, Windows
from devcluster.site import Site, make_site
from devcluster.tls import Certificates, ensure_certificates

PR_SET_PDEATHSIG = 1
SAVE_EVERY_S = 2.0


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    options.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    (options.data / "ready.json").unlink(missing_ok=True)
    try:
        asyncio.run(_run(options))
    except (OSError, ValueError, RuntimeError) as error:
        print(f"devcluster: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="devcluster", description="A stand-in for a Proxmox VE cluster.")
    parser.add_argument("--port", type=int, default=18006, help="loopback port; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder for certificates, state and disks")
    parser.add_argument("--seed", default="test", help="test, demo, scale:N or empty")
    parser.add_argument("--qemu", choices=("auto", "never", "require"), default="auto")
    parser.add_argument("--guests", type=Path, default=GUESTS, help="folder with the images guest_images.py makes")
    parser.add_argument("--profile", choices=get_args(Profile), default="9.2")
    parser.add_argument("--windows", default="{}", help="JSON: periods in seconds")
    parser.add_argument("--control-token", default="", help="secret of the control interface; made if not given")
    parser.add_argument("--node-ports", default="", help="pve1=PORT,pve2=PORT: nodes with a listener of their own")
    parser.add_argument("--keep", action="store_true", help="keep the state in DATA/state.json across restarts")
    return parser


async def _run(options: argparse.Namespace) -> None:
    secret_file, state_file = options.data / "secrets.json", options.data / "state.json"
    held = _secrets(secret_file, options.control_token)
    settings = Settings(options.profile, Windows.from_json(options.windows), options.seed)
    certificates = ensure_certificates(options.data, NODES)
    clock = Clock()
    qemu = "never" if options.seed.startswith("scale") else options.qemu
    room = choose_room(qemu, options.data, options.guests, clock)
    site = await _site(settings, room, clock, held, state_file if _kept(options) else None)
    site.certificate = certificates.ca_file.read_text()
    ports = [options.port, *_node_ports(options.node_ports).values()]
    server = ApiServer(build_app(site), site.desk, certificates, ports)
    await server.start()
    _tell(options, site, certificates, server.ports[0])
    saver = asyncio.create_task(_save_often(site, state_file)) if _kept(options) else None
    try:
        await _until_told()
    finally:
        if saver is not None:
            saver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await saver
        await server.stop()
        await site.jobs.close()
        if saver is not None:
            persist.save(state_file, persist.dump(site.cluster, site.jobs))
        await room.close()


def _kept(options: argparse.Namespace) -> bool:
    return bool(options.keep) or options.seed == "demo"


def _secrets(path: Path, control_token: str) -> dict[str, str]:
    """Tokens of the portal and of the control interface; the same at every start in one folder."""
    held: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    held.setdefault(TOKEN, str(uuid.uuid4()))
    held.setdefault(CONSOLE_TOKEN, str(uuid.uuid4()))
    held["control"] = control_token or held.get("control") or secrets.token_urlsafe(24)
    persist.write_private(path, json.dumps(held))
    return held


async def _site(
    settings: Settings, room: MachineRoom, clock: Clock, held: dict[str, str], state_file: Path | None
) -> Site:
    tokens = {name: held[name] for name in (TOKEN, CONSOLE_TOKEN)}
    site = make_site(settings, seeded(settings, tokens), room, clock)
    site.tokens, site.control_token = tokens, held["control"]
    kept = persist.read(state_file) if state_file is not None else None
    if kept is None:
        await meddle.settle(site)
        return site
    loaded = persist.load(kept, site.jobs)
    vars(site.cluster).update(vars(loaded))
    await meddle.start_at_boot(site)
    meddle.let_all_report(site)
    return site


def _node_ports(text: str) -> dict[str, int]:
    pairs = [pair.split("=") for pair in text.split(",") if pair]
    return {name: int(port) for name, port in pairs}


def _tell(options: argparse.Namespace, site: Site, certificates: Certificates, port: int) -> None:
    url = f"https://127.0.0.1:{port}"
    told: dict[str, Any] = {
        "url": url,
        "host": "127.0.0.1",
        "port": port,
        "ca_file": str(certificates.ca_file.resolve()),
        "user": USER,
        "token_name": TOKEN,
        "token_value": site.tokens[TOKEN],
        "console_token_name": CONSOLE_TOKEN,
        "console_token_value": site.tokens[CONSOLE_TOKEN],
        "control_url": f"{url}/_control",
        "control_token": site.control_token,
        "guests": guests_of(site.room),
        "node_ports": _node_ports(options.node_ports),
    }
    persist.write_private(options.data / "ready.json", json.dumps(told))
    print("devcluster ready", flush=True)  # noqa: T201


async def _save_often(site: Site, path: Path) -> None:
    last = ""
    while True:
        await asyncio.sleep(SAVE_EVERY_S)
        text = json.dumps(persist.dump(site.cluster, site.jobs))
        if text != last:
            persist.write_private(path, text)
            last = text


async def _until_told() -> None:
    """Returns on SIGTERM or SIGINT."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()


if __name__ == "__main__":
    sys.exit(main())
