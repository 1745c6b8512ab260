"""`make demo`: the whole portal on a stand-in cluster, on the loopback, with one command.

Starts the stand-in, one Daphne for pages, static files and sockets, and one Celery worker with beat; waits until they
work; prints the address and the sign-ins; stops everything on Ctrl+C. Data, certificates, passwords and logs are in
.demo/, for nobody else to read, and are kept until `make demo-reset`.
"""

import argparse
import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts import static_stamp
from scripts.furnish import boot, furnish
from scripts.processes import LOOPBACK, Child, Family, can_listen
from scripts.speech import ROOT, Refusal, guarded, say

PEOPLE = {
    "alice": "owns machines",
    "bob": "a stranger to her",
    "carol": "shares a pool with alice",
    "rita": "RTP, one of the house's admins (in the demo without a second factor)",
}
FOLDER = ROOT / ".demo"
PYTHON = str(ROOT / ".venv" / "bin" / "python")
#: Settings of a real site that may stand in the person's environment and must not reach the demo.
NOT_OURS = ("PROXMOX_", "DATABASE_URL", "BROKER_URL", "CHANNEL_REDIS_URL", "EMAIL_URL", "SECRET_KEY", "ALLOWED_HOSTS",
            "TRUSTED_PROXIES", "STATIC_ROOT", "BUILD_DIR", "QUOTA_", "VMPORTAL_ROLE",
            "LDAP_", "DIRECTORY_", "DEPARTURE_", "OIDC_", "HOUSE_ACCOUNT_LABEL", "PROOF_S")  # fmt: skip
WORDS = "abcdefghjkmnpqrstuvwxyz23456789"  # no letter that is read as another


class Demo:
    """The demo's folder, port and processes."""

    name = "demo"  # of the target in the Makefile

    def __init__(self, folder: Path, port: int, guests: str) -> None:
        self.folder, self.port, self.guests = folder, port, guests
        self.cluster = folder / "cluster"
        self.family = Family(folder / "logs")

    def start(self) -> None:
        """Everything, in order; slow things side by side."""
        environment = self.environment()
        self.start_cluster(environment)
        environment |= self.open_house(environment)
        static = self.collect_static(environment)
        self.finish("migrate", environment, "migrate", "--no-input", "--verbosity", "0")
        self.family.wait_for("the stand-in cluster", self.cluster_ready, deadline_s=90)
        self.furnish()
        environment |= self.proxmox()
        self.people(environment)
        if static:
            self.family.finish(static, "Collecting the static files", deadline_s=240)
            static_stamp.note(self.folder / "data" / "static")
        self.start_portal(environment)
        self.family.wait_for("the sign-in page", self.answers, deadline_s=120)
        self.family.wait_for("the worker", self.worker_ready, deadline_s=120)
        self.family.check()
        self.greet()

    def environment(self) -> dict[str, str]:
        """What every process of the demo gets: the person's own environment and the demo's settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)}
        data = self.folder / "data"
        return kept | {
            "DJANGO_SETTINGS_MODULE": "vmportal.settings",
            "DEMO": "yes",
            "SITE_URL": f"http://{LOOPBACK}:{self.port}",
            "SITE_NAME": "Demo House",
            "SECRET_KEY": remembered(self.folder / "secret-key", lambda: secrets.token_urlsafe(48)),
            "DATA_DIR": str(data),
            "EMAIL_URL": f"file://{self.folder / 'mail'}",
            "PYTHONUNBUFFERED": "1",
        }

    def open_house(self, environment: dict[str, str]) -> dict[str, str]:
        """Settings of the house behind the portal, which this demo does without."""
        return {}

    def people(self, environment: dict[str, str]) -> None:
        """The accounts and their pools."""
        self.finish("seed", environment, "seed_demo", "--sign-ins", str(self.folder / "sign-ins.json"))

    def start_cluster(self, environment: dict[str, str]) -> Child:
        """The stand-in, on a free port that it picks itself, so that two demos never want the same one."""
        self.ready_file.unlink(missing_ok=True)
        command = [PYTHON, "-m", "devcluster", "--port", "0", "--data", str(self.cluster), "--seed", "demo"]
        return self.family.start("cluster", [*command, "--qemu", self.guests], environment, stop_s=15)

    @property
    def ready_file(self) -> Path:
        """Written by the stand-in when it answers."""
        return self.cluster / "ready.json"

    def cluster_ready(self) -> bool:
        """True once the stand-in says that it answers."""
        return self.ready_file.exists()

    def ready(self) -> dict[str, Any]:
        """What the stand-in says about itself."""
        return dict(json.loads(self.ready_file.read_text(encoding="utf-8")))

    def furnish(self) -> None:
        """Machines for alice, once: what she deletes stays deleted. Those that start with their node are started."""
        mark = self.folder / "furnished"
        if not mark.exists():
            furnish(self.ready())
            mark.touch(mode=0o600)
        boot(self.ready())

    def proxmox(self) -> dict[str, str]:
        """The portal's settings for the stand-in."""
        ready = self.ready()
        return {
            "PROXMOX_HOSTS": f"{ready['host']}:{ready['port']}",
            "PROXMOX_USER": ready["user"],
            "PROXMOX_TOKEN_NAME": ready["token_name"],
            "PROXMOX_TOKEN_VALUE": ready["token_value"],
            "PROXMOX_CONSOLE_TOKEN_NAME": ready["console_token_name"],
            "PROXMOX_CONSOLE_TOKEN_VALUE": ready["console_token_value"],
            "PROXMOX_CA_FILE": ready["ca_file"],
            "PROXMOX_ISO_STORAGE": "local,shared",
        }

    def start_portal(self, environment: dict[str, str]) -> None:
        """Daphne, and the worker with beat."""
        web = [PYTHON, "-m", "vmportal.server", "-b", LOOPBACK, "-p", str(self.port), "vmportal.asgi:application"]
        worker = [PYTHON, "-m", "celery", "-A", "vmportal", "worker", "-B", "-c", "2", "--loglevel", "INFO",
                  "--schedule", str(self.folder / "data" / "beat")]  # fmt: skip
        self.family.start("worker", worker, environment, stop_s=10)
        self.family.start("web", web, environment)

    def collect_static(self, environment: dict[str, str]) -> Child | None:
        """The command that gathers them, running; None where nothing changed since the last time."""
        if static_stamp.is_collected(self.folder / "data" / "static"):
            return None
        return self.manage("static-files", environment, "collectstatic", "--no-input", "--clear", "--verbosity", "0")

    def manage(self, name: str, environment: dict[str, str], *arguments: str) -> Child:
        """A command of manage.py, running."""
        return self.family.start(name, [PYTHON, "manage.py", *arguments], environment)

    def finish(self, name: str, environment: dict[str, str], *arguments: str) -> None:
        """A command of manage.py, to its end."""
        self.family.finish(self.manage(name, environment, *arguments), f"manage.py {arguments[0]}", deadline_s=240)

    def answers(self) -> bool:
        """True where the sign-in page comes."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=20)
        try:
            connection.request("GET", "/accounts/login/")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def worker_ready(self) -> bool:
        """True where the worker takes work."""
        return " ready." in (self.folder / "logs" / "worker.log").read_text(encoding="utf-8", errors="replace")

    def greet(self) -> None:
        """The address and who can sign in."""
        signs = json.loads((self.folder / "sign-ins.json").read_text(encoding="utf-8"))
        say(f"\n  VMPortal is at  http://{LOOPBACK}:{self.port}/\n")
        for name, what in PEOPLE.items():
            say(f"    {name:<7} {signs[name]}   {what}")
        self.say_the_rest()

    def say_the_rest(self) -> None:
        """What the machines are, and how it ends."""
        say(f"\n  {self.guests_sentence()}")
        say(f"  Ctrl+C stops it. Data is kept in .{self.name}/; `make demo-reset` clears it.\n")

    def guests_sentence(self) -> str:
        """What the machines are."""
        if self.ready().get("guests") == "qemu":
            return "Machines are real QEMU guests on this computer; a small Linux takes about 10 s to its login."
        return "QEMU or its images are missing here, so machines show a painted test card that echoes keys."


def main() -> int:
    """Starts and waits, or clears."""
    return run(parse(sys.argv[1:]), Demo, tuple(PEOPLE))


def run(arguments: argparse.Namespace, kind: type[Demo], names: Sequence[str]) -> int:
    """A demo of this kind with sign-ins for these names, or clears its folder."""
    folder: Path = arguments.folder.resolve()
    if arguments.reset:
        return reset(folder, kind.name)
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    for name in ("logs", "cluster", "data", "data/broker", "data/broker-control", "mail"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    stop = stop_event()
    with (folder / "running").open("a+", encoding="ascii") as lock:
        take(lock, arguments.port, kind.name)
        remembered(folder / "sign-ins.json", lambda: json.dumps({name: password() for name in names}))
        return live(kind(folder, arguments.port, arguments.guests), stop)


def live(demo: Demo, stop: threading.Event) -> int:
    """The demo's life. Ctrl+C ends it at any point, also while it starts."""
    try:
        say("Starting the demo …")
        demo.start()
        while not stop.wait(0.5):
            demo.family.check()
    except KeyboardInterrupt:
        pass
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        say("Stopping …")
        demo.family.stop()
    say("Stopped. The data is kept.")
    return 0


def stop_event() -> threading.Event:
    """Set by SIGTERM, which also interrupts the start."""
    event = threading.Event()

    def on_term(_number: int, _frame: object) -> None:
        event.set()
        raise KeyboardInterrupt

    # Started in the background of a script, SIGINT would be ignored; the demo promises to end by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGHUP, on_term)
    return event


def parse(arguments: Sequence[str], prog: str = "scripts.demo", folder: Path = FOLDER) -> argparse.Namespace:
    """The command line; PORT is the documented way to choose a port."""
    parser = argparse.ArgumentParser(prog=prog, description="The whole portal on a stand-in cluster.")
    parser.add_argument("--reset", action="store_true", help="forget data, machines and passwords")
    parser.add_argument("--port", type=port_number, default=os.environ.get("PORT", "8000"))
    parser.add_argument("--folder", type=Path, default=folder)
    parser.add_argument("--guests", choices=("auto", "never", "require"), default="auto", help="real QEMU guests")
    return parser.parse_args(arguments)


def port_number(text: str) -> int:
    """A port that needs no root."""
    if text.isdigit() and 1024 <= int(text) <= 65535:
        return int(text)
    raise Refusal(f"PORT is {text!r}. It takes a number from 1024 to 65535, such as: make demo PORT=8001")


def take(lock: Any, port: int, name: str) -> None:
    """One demo a folder, one program a port; each with a sentence."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        address = lock.read().strip() or "another address"
        raise Refusal(
            f"The demo is already running at {address}\nUse it there, or stop it there with Ctrl+C."
        ) from None
    if not can_listen(port):
        raise Refusal(f"Port {port} is in use by another program. Choose another, such as: make {name} PORT={port + 1}")
    lock.truncate(0)
    lock.write(f"http://{LOOPBACK}:{port}/\n")
    lock.flush()


def reset(folder: Path, name: str) -> int:
    """Clears the folder, unless its demo is running."""
    if not folder.exists():
        say(f"There is nothing of `make {name}` to clear.")
        return 0
    with (folder / "running").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal("The demo is running. Stop it with Ctrl+C first; nothing was cleared.") from None
        shutil.rmtree(folder)
    say(f"Cleared. The next `make {name}` starts with new machines and new passwords.")
    return 0


def remembered(file: Path, make: Any) -> str:
    """The file's text, made at first need, for the owner's eyes only."""
    if not file.exists():
        fresh = file.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
            out.write(make())
        fresh.rename(file)
    return file.read_text(encoding="ascii")


def password() -> str:
    """Four groups that are easy to type: 79 bits."""
    return "-".join("".join(secrets.choice(WORDS) for _ in range(4)) for _ in range(4))


if __name__ == "__main__":
    sys.exit(guarded(main))
