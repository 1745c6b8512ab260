"""Text that stands nowhere yet, and every place where the portal could have left it."""

import json
import secrets
import subprocess
from pathlib import Path

from django.conf import settings
from django.db import connection

from tests.consoles.conftest import House
from tests.consoles.portal import Portal


def canary() -> str:
    """Something that stands nowhere yet, of letters that every keyboard layout has in one place."""
    return "canary " + "".join(secrets.choice("abcdefghijklmnop") for _ in range(24))


def stores(portal: Portal) -> dict[str, bytes]:
    """Whatever the portal writes: its database with the cache, mails and audit rows in it, its log, its folder."""
    database = Path(str(connection.settings_dict["NAME"]))
    # By another process: to close such a file here would take away the locks that SQLite holds on it.
    found = {path.name: subprocess.check_output(["cat", path]) for path in database.parent.glob(f"{database.name}*")}
    found["log"] = portal.log.read_bytes()
    files = (path for path in Path(settings.DATA_DIR).rglob("*") if path.is_file() and path.name not in found)
    return found | {str(path): path.read_bytes() for path in files}


def looked_for(word: str, kept: dict[str, bytes]) -> list[str]:
    """Stores that hold the text, as it is or in another writing."""
    secret = word.removeprefix("canary ")
    forms = [secret[:12], secret[-12:], secret[::-1], secret.encode("utf-16-le").decode("latin-1")]
    forms += [secret.encode().hex(), json.dumps([ord(letter) for letter in secret[:4]])[1:-1]]
    return [name for name, data in kept.items() if any(form.encode("latin-1") in data for form in forms)]


def typed_at(house: House) -> str:
    """What the machine's own screen got."""
    return str(house.cluster.control("GET", f"/guests/{house.vm.vmid}/serial")["text"])
