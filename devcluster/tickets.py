"""Console tickets: signed, short-lived, bound to who asked, to the machine and (newer releases) to the port."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

TICKET = re.compile(r"^(?:(?P<password>[!-`]{8}):)?PVEVNC:(?P<time>[0-9A-F]{8})::(?P<signature>\S{344})$")
PASSWORD_CHARACTERS = [chr(code) for code in range(ord("!"), ord("`") + 1)]
TOLERATED_FUTURE_S = 20


@dataclass(frozen=True)
class Terms:
    """What a ticket is signed over; `port` None is the older kind that any port takes."""

    secret: str
    authid: str
    vmid: int
    port: int | None

    def sign(self, stamp: str) -> str:
        """344 characters, as long as the RSA signature of the real one."""
        text = ":".join([stamp, self.authid, f"/vms/{self.vmid}", "" if self.port is None else str(self.port)])
        key = self.secret.encode()
        rounds = (hmac.digest(key, f"{n}:{text}".encode(), hashlib.sha512) for n in range(4))
        return base64.b64encode(b"".join(rounds)).decode()


def make_password() -> str:
    """Eight characters between `!` and the backtick, the awkward ones included."""
    return "".join(secrets.choice(PASSWORD_CHARACTERS) for _ in range(8))


def make_ticket(terms: Terms, *, now: float) -> str:
    """The `PVEVNC:` part; newer releases put the password and a colon before it."""
    stamp = f"{int(now):08X}"
    return f"PVEVNC:{stamp}::{terms.sign(stamp)}"


def ticket_fits(ticket: str, terms: Terms, *, now: float, valid_s: float) -> bool:
    """Whether the ticket was signed over these terms and is neither too old nor from the future."""
    found = TICKET.match(ticket)
    if found is None:
        return False
    age_s = now - int(found["time"], 16)
    genuine = hmac.compare_digest(found["signature"], terms.sign(found["time"]))
    return genuine and -TOLERATED_FUTURE_S < age_s < valid_s
