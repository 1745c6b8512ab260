"""Reads OpenSSH public keys. Plain Python.

A line of a `.pub` file is `type base64 comment`; the base64 holds length-prefixed strings, the first of which repeats
the type (RFC 4253, section 6.6).
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

#: What stands in a key after its type: lengths of its strings, None where any length will do. Curve points are
#: uncompressed: one byte and both coordinates (RFC 5656, section 3.1); `sk-` keys end with their application
#: (OpenSSH's PROTOCOL.u2f).
SHAPES: dict[str, tuple[int | None, ...]] = {
    "ssh-ed25519": (32,),
    "ssh-rsa": (None, None),
    "ecdsa-sha2-nistp256": (8, 65),
    "ecdsa-sha2-nistp384": (8, 97),
    "ecdsa-sha2-nistp521": (8, 133),
    "sk-ssh-ed25519@openssh.com": (32, None),
    "sk-ecdsa-sha2-nistp256@openssh.com": (8, 65, None),
}
LONGEST = 8_192
LARGEST_FILE = 16_384
#: RSA keys shorter than this are refused by current OpenSSH.
LEAST_RSA_BITS = 2048

PRIVATE = (
    "Paste the public key – the line in the file that ends in .pub. "
    "What you pasted looks like a private key; it was not stored."
)
NOT_A_KEY = (
    "Paste one public key: a line that starts with a type such as ssh-ed25519, as in the file that ends in .pub."
)
NOT_A_KEY_FILE = "This file holds no public key. Choose the one whose name ends in .pub."
TOO_LARGE = "This file is larger than 16 KB, so it holds no public key. Choose the one whose name ends in .pub."
SEVERAL = "There are {count} keys here. Save them one after the other."
CERTIFICATE = "This is a certificate. Paste the public key it was made for: the .pub file without -cert in its name."
OPTIONS = "There is something before the key. Paste the line from its type on, such as ssh-ed25519."
OTHER_FORM = (
    "This is a public key in another form. ssh-keygen -i -f FILE prints the line that is needed; PuTTYgen shows it at "
    "the top of its window."
)
CUT = "This key is cut short or changed. Copy the whole line from the file that ends in .pub."
TOO_WEAK = "This RSA key is shorter than 2048 bits. Use a longer one, or an ssh-ed25519 key."

#: Headers of PEM, OpenSSH, PuTTY and SSH2 files, whatever the dashes around them became in the clipboard.
_PRIVATE = re.compile(
    r"PRIVATE[\s-]+KEY|PuTTY-User-Key-File|Private-Lines|Private-MAC|openssh-key-v1|b3BlbnNzaC1rZXktdjE|AGE-SECRET-KEY",
    re.IGNORECASE,
)
#: The base64 of a DER sequence that begins with an INTEGER (PKCS#1, PKCS#8, SEC1), or with the object identifier of a
#: password's encryption (1.2.840.113549.1.5 or .12): what is left of a PEM file without its header.
_DER = re.compile(r"(?<![A-Za-z0-9+/])M[A-Za-z0-9+/]{7,}")
_BY_PASSWORD = (bytes.fromhex("2a864886f70d0105"), bytes.fromhex("2a864886f70d010c"))
_OTHER_FORM = re.compile(r"BEGIN (SSH2 |RSA )?PUBLIC KEY")
_CERTIFICATE = re.compile(r"^[a-z0-9-]+-cert-v0[01]@openssh\.com$")


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
    return _PRIVATE.search(text) is not None or any(_is_private_der(found[0]) for found in _DER.finditer(text))


def parse_public_key(text: str) -> PublicKey:
    """The one public key in `text`. Raises LooksPrivate or NotAPublicKey."""
    if looks_private(text):
        raise LooksPrivate(PRIVATE)
    line = _only_line(text)
    words = line.split()
    kind, body, comment = words[0], words[1], " ".join(words[2:])
    raw = _decoded(body)
    _check_shape(kind, _fields(raw))
    if not comment.isprintable():
        raise NotAPublicKey(CUT)
    digest = base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
    return PublicKey(kind, body, comment[:120], f"SHA256:{digest}")


def parse_key_file(content: bytes) -> PublicKey:
    """The one public key in a file that was sent. Raises LooksPrivate or NotAPublicKey."""
    if len(content) > LARGEST_FILE:
        raise NotAPublicKey(TOO_LARGE)
    text = content.replace(b"\0", b"").decode("utf-8-sig", "replace")  # without zeros UTF-16 reads as ASCII
    if looks_private(text) or _is_private_der(base64.b64encode(content).decode()):
        raise LooksPrivate(PRIVATE)
    try:
        return parse_public_key(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NotAPublicKey(NOT_A_KEY_FILE) from error


def _only_line(text: str) -> str:
    """The line that holds the key; comments of a file do not count. Raises NotAPublicKey."""
    lines = [line for line in text.strip().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    keys = [line for line in lines if line.split()[0] in SHAPES]
    if len(keys) > 1:
        raise NotAPublicKey(SEVERAL.format(count=len(keys)))
    if _OTHER_FORM.search(text):
        raise NotAPublicKey(OTHER_FORM)
    words = lines[0].split() if lines else []
    if any(_CERTIFICATE.match(word) for word in words):
        raise NotAPublicKey(CERTIFICATE)
    if words and words[0] not in SHAPES and any(word in SHAPES for word in words):
        raise NotAPublicKey(OPTIONS)
    if len(text) > LONGEST or len(lines) != 1 or len(words) < 2 or words[0] not in SHAPES:
        raise NotAPublicKey(NOT_A_KEY)
    return lines[0]


def _check_shape(kind: str, fields: list[bytes]) -> None:
    """Raises NotAPublicKey unless these strings make a key of this type."""
    lengths = SHAPES[kind]
    if not fields or fields[0] != kind.encode() or len(fields) != len(lengths) + 1:
        raise NotAPublicKey(CUT)
    if any(length is not None and len(field) != length for length, field in zip(lengths, fields[1:], strict=True)):
        raise NotAPublicKey(CUT)
    if "nistp" in kind and fields[1].decode("ascii", "replace") not in kind:
        raise NotAPublicKey(CUT)
    if kind == "ssh-rsa" and int.from_bytes(fields[2]).bit_length() < LEAST_RSA_BITS:
        raise NotAPublicKey(TOO_WEAK)


def _is_private_der(body: str) -> bool:
    """True for base64 of what begins as a private key does in PKCS#1, PKCS#8 or SEC1, encrypted or not."""
    start = body[:84]
    try:
        raw = base64.b64decode(start[: len(start) // 4 * 4], validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(raw) < 5 or raw[0] != 0x30:
        return False
    inside = raw[2 + (raw[1] & 0x7F if raw[1] & 0x80 else 0) :]
    return inside[:2] == b"\x02\x01" or any(name in inside for name in _BY_PASSWORD)


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
