"""A cluster's CA made before March 2026 carries no keyUsage, which the strict check of newer Pythons refuses."""

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.vms.cluster.odd_host import OddHost, cluster_at, good
from vms.cluster import errors

VERSION = good({"release": "8.4"})


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def signed(subject: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, *, ca: bool) -> bytes:
    """A certificate without keyUsage, as old clusters made them."""
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name("Old authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if not ca:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def old_cluster(tmp_path: Path) -> Path:
    """A folder with such a CA and a host's certificate, under the names the odd host looks for."""
    authority, host = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "ca.pem").write_bytes(signed("Old authority", authority, authority, ca=True))
    (tmp_path / "pve-ssl.pem").write_bytes(signed("pve1", host, authority, ca=False))
    key = host.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "pve-ssl.key").write_bytes(key)
    return tmp_path


class StrictContext(ssl.SSLContext):
    """The control: the flag of newer Pythons cannot be taken off."""

    @property  # type: ignore[override]
    def verify_flags(self) -> ssl.VerifyFlags:
        return super().verify_flags

    @verify_flags.setter
    def verify_flags(self, flags: ssl.VerifyFlags) -> None:
        ssl.SSLContext.verify_flags.__set__(self, flags | ssl.VERIFY_X509_STRICT)  # type: ignore[attr-defined]


def as_newer_pythons(monkeypatch: pytest.MonkeyPatch, kind: type[ssl.SSLContext]) -> None:
    """`create_default_context` as it is from 3.13 on."""

    def strict(cafile: str | None = None) -> ssl.SSLContext:
        context: Any = kind(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.load_verify_locations(cafile)
        return context  # type: ignore[no-any-return]

    monkeypatch.setattr(ssl, "create_default_context", strict)


def test_an_old_clusters_authority_is_accepted_and_still_verified(
    old_cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_newer_pythons(monkeypatch, ssl.SSLContext)

    with OddHost(old_cluster, VERSION) as host:
        assert cluster_at(host).version().release == "8.4"
    with OddHost(old_cluster, VERSION, name="127.0.0.3") as host, pytest.raises(errors.CertificateRefused):
        cluster_at(host).version()


def test_with_the_strict_check_the_same_authority_is_refused(
    old_cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_newer_pythons(monkeypatch, StrictContext)

    with OddHost(old_cluster, VERSION) as host, pytest.raises(errors.CertificateRefused, match="key usage"):
        cluster_at(host).version()
