"""Reads OpenSSH public keys. Plain Python.

A line of a `.pub` file is `type base64 comment`; the base64 holds length-prefixed strings, the first of which repeats
the type (RFC 4253, section 6.6).
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

TYPES = frozenset(
    {
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)
LONGEST = 8_192
#: RSA keys shorter than this are refused by current OpenSSH.
LEAST_RSA_BYTES = 256

PRIVATE = (
    "Paste the public key – the line in the file that ends in .pub. "
    "What you pasted looks like a private key; it was not stored."
)
NOT_A_KEY = (
    "Paste one public key: a line that starts with a type such as ssh-ed25519, as in the file that ends in .pub."
)
CUT = "This key is cut short or changed. Copy the whole line from the file that ends in .pub."
TOO_WEAK = "This RSA key is shorter than 2048 bits. Use a longer one, or an ssh-ed25519 key."

#: Headers of PEM, OpenSSH, PuTTY and SSH2 files, whatever the dashes around them became in the clipboard.
_PRIVATE = re.compile(
    r"PRIVATE\s+KEY|PuTTY-User-Key-File|Private-Lines|openssh-key-v1|b3BlbnNzaC1rZXktdjE", re.IGNORECASE
)


class NotAPublicKey(ValueError):
    """The text is not one public key; the message is a sentence for the person."""


class LooksPrivate(NotAPublicKey):
    """The text holds a private key. It must not be stored, logged or shown again."""


@dataclass(frozen=True)
class PublicKey:
    """One public key: type, base64 body, comment, and OpenSSH's SHA256 fingerprint."""

    kind: str
    body: str
    comment: str
    fingerprint: str

    @property
    def line(self) -> str:
        """As it is written into a file."""
        return f"{self.kind} {self.body} {self.comment}".rstrip()


def looks_private(text: str) -> bool:
    """True when the text holds anything of a private key."""
    return _PRIVATE.search(text) is not None


def parse_public_key(text: str) -> PublicKey:
    """The one public key in `text`. Raises LooksPrivate or NotAPublicKey."""
    if looks_private(text):
        raise LooksPrivate(PRIVATE)
    words = text.split()
    if len(text) > LONGEST or len(words) < 2 or words[0] not in TYPES or len(text.strip().splitlines()) != 1:
        raise NotAPublicKey(NOT_A_KEY)
    kind, body, comment = words[0], words[1], " ".join(words[2:])
    raw = _decoded(body)
    fields = _fields(raw)
    if not fields or fields[0] != kind.encode():
        raise NotAPublicKey(CUT)
    if kind == "ssh-rsa" and (len(fields) != 3 or len(fields[2].lstrip(b"\0")) < LEAST_RSA_BYTES):
        raise NotAPublicKey(TOO_WEAK)
    if len(fields) < 2 or not comment.isprintable():
        raise NotAPublicKey(CUT)
    digest = base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
    return PublicKey(kind, body, comment[:120], f"SHA256:{digest}")


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotAPublicKey(CUT) from error


def _fields(raw: bytes) -> list[bytes]:
    """The length-prefixed strings; empty when they do not fill the key exactly."""
    fields, at = [], 0
    while at + 4 <= len(raw):
        length = int.from_bytes(raw[at : at + 4], "big")
        if at + 4 + length > len(raw):
            return []
        fields.append(raw[at + 4 : at + 4 + length])
        at += 4 + length
    return fields if at == len(raw) else []
