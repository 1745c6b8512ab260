"""A certificate authority of the stand-in's own and the certificate its API answers with."""

import datetime
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFE = datetime.timedelta(days=3650)
LOOPBACK = ("127.0.0.1", "::1")
CA_USAGE = {"key_cert_sign": True, "crl_sign": True}
SERVER_USAGE = {"digital_signature": True, "key_encipherment": True}
USAGES = [
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
]


@dataclass(frozen=True)
class Certificates:
    """Files: the authority to trust, the server's certificate with its chain, the server's key (0600)."""

    ca_file: Path
    cert_file: Path
    key_file: Path


def ensure_certificates(folder: Path, node_names: Sequence[str]) -> Certificates:
    """Certificates of this folder, made if they are not there; valid for loopback and the names of the nodes."""
    files = Certificates(folder / "ca.pem", folder / "pve-ssl.pem", folder / "pve-ssl.key")
    if not all(path.exists() for path in (files.ca_file, files.cert_file, files.key_file)):
        _make(files, folder / "ca.key", node_names)
    return files


def _make(files: Certificates, ca_key_file: Path, node_names: Sequence[str]) -> None:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _sign(_ca(ca_key), ca_key)
    certificate = _sign(_server(key, authority, ca_key, node_names), ca_key)
    _write_key(ca_key_file, ca_key)
    _write_key(files.key_file, key)
    files.ca_file.write_bytes(_pem(authority))
    files.cert_file.write_bytes(_pem(certificate) + _pem(authority))


def _ca(key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    name = _name("Stand-in Proxmox authority")
    return (
        _blank(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(CA_USAGE), critical=True)
    )


def _server(
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    node_names: Sequence[str],
) -> x509.CertificateBuilder:
    addresses = [x509.IPAddress(ipaddress.ip_address(one)) for one in LOOPBACK]
    names = [x509.DNSName(one) for one in ("localhost", *node_names)]
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _blank(_name(node_names[0] if node_names else "localhost"), authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(SERVER_USAGE), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([*addresses, *names]), critical=False)
        .add_extension(issued_by, critical=False)
    )


def _blank(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    return builder.sign(key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _usage(granted: dict[str, bool]) -> x509.KeyUsage:
    return x509.KeyUsage(**{**dict.fromkeys(USAGES, False), **granted})


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
