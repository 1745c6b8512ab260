"""Public keys are read; private ones are refused whatever they look like."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from accounts.keys import LooksPrivate, NotAPublicKey, parse_public_key

ED25519 = ed25519.Ed25519PrivateKey.generate()
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EVERY_KIND = [
    ED25519,
    RSA,
    *(ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())),
]


def public_line(key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    """As in a .pub file."""
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.mark.parametrize("key", EVERY_KIND)
def test_every_common_kind_is_read_with_its_comment(key: ed25519.Ed25519PrivateKey) -> None:
    found = parse_public_key(f"  {public_line(key)} alice@laptop at home\n")

    assert found.line == f"{public_line(key)} alice@laptop at home"
    assert found.fingerprint.startswith("SHA256:")
    assert not found.fingerprint.endswith("=")


@pytest.mark.parametrize(
    ("form", "password"),
    [
        (PrivateFormat.OpenSSH, None),
        (PrivateFormat.PKCS8, None),
        (PrivateFormat.PKCS8, b"a password"),
        (PrivateFormat.TraditionalOpenSSL, None),
        (PrivateFormat.TraditionalOpenSSL, b"a password"),
    ],
)
def test_a_private_key_is_refused_in_every_format(form: PrivateFormat, password: bytes | None) -> None:
    locked = BestAvailableEncryption(password) if password else NoEncryption()
    text = RSA.private_bytes(Encoding.PEM, form, locked).decode()

    for pasted in (text, text.replace("\n", " "), f"{public_line(ED25519)}\n{text}", text.replace("-----", "")):
        with pytest.raises(LooksPrivate):
            parse_public_key(pasted)


def test_a_private_key_without_its_header_is_refused() -> None:
    text = ED25519.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    body = "".join(text.splitlines()[1:-1])

    with pytest.raises(LooksPrivate):
        parse_public_key(body)


def cut(line: str, keep: int) -> str:
    """The key with its base64 shortened to whole groups of four."""
    kind, body = line.split()[:2]
    return f"{kind} {body[:keep]}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "ssh-ed25519",
        "ssh-ed25519 not-base64!",
        "ssh-dss AAAAB3NzaC1kc3MAAACB",
        "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x07ssh-rsa").decode(),
        cut(public_line(ED25519), 40),
        f"{public_line(ED25519)}\n{public_line(ED25519)}",
        f"{public_line(ED25519)} a\x1bb",
        public_line(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505 (meant)
        "ssh-rsa " + "A" * 9000,
    ],
    ids=range(11),  # the keys are drawn anew, and two workers must collect the same names
)  # fmt: skip
def test_what_is_no_public_key_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(NotAPublicKey) as refusal:
        parse_public_key(text)

    assert str(refusal.value).endswith(".")
    assert not isinstance(refusal.value, LooksPrivate)
