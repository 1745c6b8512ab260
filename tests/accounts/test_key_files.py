"""Keys as OpenSSH makes them: every public type is taken, every private form refused, and what is neither is named."""

import base64
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from accounts.keys import LARGEST_FILE, SHAPES, LooksPrivate, NotAPublicKey, parse_key_file, parse_public_key
from tests.figures import figure

KEYGEN = shutil.which("ssh-keygen")
needs_keygen = pytest.mark.skipif(KEYGEN is None, reason="needs ssh-keygen")
MADE = {
    "ssh-ed25519": ["-t", "ed25519"],
    "ssh-rsa": ["-t", "rsa", "-b", "2048"],
    "ecdsa-sha2-nistp256": ["-t", "ecdsa", "-b", "256"],
    "ecdsa-sha2-nistp384": ["-t", "ecdsa", "-b", "384"],
    "ecdsa-sha2-nistp521": ["-t", "ecdsa", "-b", "521"],
}
POINT = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(
    Encoding.X962, PublicFormat.UncompressedPoint
)  # fmt: skip
FLAT = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
#: Kept on a security key: OpenSSH makes these only with one plugged in.
ON_TOKENS = {
    "sk-ssh-ed25519@openssh.com": [FLAT, b"ssh:"],
    "sk-ecdsa-sha2-nistp256@openssh.com": [b"nistp256", POINT, b"ssh:"],
}


def keygen(*args: str | Path) -> str:
    """What ssh-keygen prints."""
    assert KEYGEN is not None
    done = subprocess.run([KEYGEN, *map(str, args)], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def line_of(kind: str, fields: list[bytes]) -> str:
    """A public key in OpenSSH's form."""
    raw = b"".join(struct.pack(">I", len(field)) + field for field in (kind.encode(), *fields))
    return f"{kind} {base64.b64encode(raw).decode()} alice@token"


@needs_keygen
@pytest.mark.parametrize("kind", MADE)
def test_every_type_that_openssh_makes_is_taken_with_its_fingerprint(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "id"
    keygen("-q", *MADE[kind], "-N", "", "-C", "alice@laptop", "-f", file)

    key = parse_key_file((tmp_path / "id.pub").read_bytes())

    assert (key.kind, key.comment) == (kind, "alice@laptop")
    assert key.fingerprint in keygen("-l", "-f", tmp_path / "id.pub")


@needs_keygen
@pytest.mark.parametrize("kind", ON_TOKENS)
def test_keys_kept_on_a_token_are_taken(kind: str, tmp_path: Path) -> None:
    (tmp_path / "id.pub").write_text(line_of(kind, ON_TOKENS[kind]), encoding="utf-8")

    key = parse_key_file((tmp_path / "id.pub").read_bytes())

    assert key.kind == kind
    assert key.fingerprint in keygen("-l", "-f", tmp_path / "id.pub")


def test_every_type_is_tried() -> None:
    assert set(MADE) | set(ON_TOKENS) == set(SHAPES)


FORMS = {
    "OpenSSH": PrivateFormat.OpenSSH,
    "PKCS8": PrivateFormat.PKCS8,
    "PEM": PrivateFormat.TraditionalOpenSSL,
}


def private_files() -> dict[str, bytes]:
    """Private keys in every form that is about: OpenSSH, PEM, PKCS#8, DER, with a password and without, PuTTY."""
    keys: dict[str, Any] = {
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "ecdsa": ec.generate_private_key(ec.SECP384R1()),
        "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    }
    found = {"putty": b"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\nPrivate-Lines: 1\r\nAAAA\r\n"}
    for name, key in keys.items():
        for word, form in FORMS.items():
            if (name, word) == ("ed25519", "PEM"):
                continue
            # cryptography locks OpenSSH's form only with another package; it begins as the unlocked one does.
            locks = [] if word == "OpenSSH" else [BestAvailableEncryption(b"a password")]
            for lock in (NoEncryption(), *locks):
                text = key.private_bytes(Encoding.PEM, form, lock)
                case = f"{name} {word} {type(lock).__name__}"
                found[case] = text
                if b"Proc-Type" not in text:
                    found[f"{case} without its header"] = b"\n".join(text.splitlines()[1:-1])
        found[f"{name} DER"] = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    found["UTF-16"] = found["rsa PKCS8 NoEncryption"].decode().encode("utf-16")
    found["after a public key"] = line_of("ssh-ed25519", [FLAT]).encode() + b"\n" + found["ecdsa PKCS8 NoEncryption"]
    return found


def test_a_private_key_is_refused_in_every_form() -> None:
    files, taken = private_files(), []

    for name, content in files.items():
        try:
            parse_key_file(content)
        except LooksPrivate:
            continue
        except NotAPublicKey as error:
            taken.append(f"{name}: {error}")
        else:
            taken.append(name)

    assert not taken
    figure("keys", "private forms", len(files), "not known as private", len(taken))


@needs_keygen
def test_a_certificate_is_named(tmp_path: Path) -> None:
    for name in ("ca", "id"):
        keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name)
    keygen("-q", "-s", tmp_path / "ca", "-I", "alice", "-n", "alice", tmp_path / "id.pub")

    with pytest.raises(NotAPublicKey, match="This is a certificate"):
        parse_key_file((tmp_path / "id-cert.pub").read_bytes())


@needs_keygen
def test_a_key_in_another_form_is_named(tmp_path: Path) -> None:
    keygen("-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", tmp_path / "id")

    for form in ("RFC4716", "PKCS8", "PEM"):
        with pytest.raises(NotAPublicKey, match="in another form"):
            parse_public_key(keygen("-e", "-m", form, "-f", tmp_path / "id.pub"))


KEY = line_of("ssh-ed25519", [FLAT])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (f"{KEY}\n{KEY}\n{KEY}".encode(), "There are 3 keys here"),
        (f'command="ls",no-pty {KEY}'.encode(), "There is something before the key"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "This file holds no public key"),
        (b"A" * (LARGEST_FILE + 1), "larger than 16 KB"),
        (b"", "Paste one public key"),
        (line_of("ecdsa-sha2-nistp384", [b"nistp256", POINT]).encode(), "cut short or changed"),
        (line_of("ssh-ed25519", [FLAT[:31]]).encode(), "cut short or changed"),
        (line_of("sk-ssh-ed25519@openssh.com", [FLAT]).encode(), "cut short or changed"),
        (line_of("ssh-rsa", [b"\1\0\1", b"\0" + b"\x7f" * 256]).encode(), "shorter than 2048 bits"),
    ],
    ids=range(9),
)
def test_what_is_no_key_gets_its_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(NotAPublicKey, match=sentence):
        parse_key_file(content)


def test_comments_of_a_file_and_its_byte_order_mark_do_not_count() -> None:
    key = parse_key_file(b"\xef\xbb\xbf# made on the laptop\r\n\r\n" + KEY.encode() + b"\r\n")

    assert key.line == KEY
