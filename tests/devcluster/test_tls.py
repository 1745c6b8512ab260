import stat
from pathlib import Path

from cryptography import x509

from devcluster.tls import ensure_certificates


def test_the_server_certificate_names_loopback_and_every_node(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, ["pve1", "pve2"])

    certificate = x509.load_pem_x509_certificate(files.cert_file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "pve1", "pve2"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


def test_the_authority_may_sign_and_the_server_may_not(tmp_path: Path) -> None:
    files = ensure_certificates(tmp_path, ["pve1"])

    for path, signs in ((files.ca_file, True), (files.cert_file, False)):
        extensions = x509.load_pem_x509_certificate(path.read_bytes()).extensions
        assert extensions.get_extension_for_class(x509.BasicConstraints).value.ca is signs
        assert extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign is signs


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    ensure_certificates(tmp_path, ["pve1"])

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("*.key")}
    assert modes == {"ca.key": 0o600, "pve-ssl.key": 0o600}


def test_certificates_that_are_there_are_used_again(tmp_path: Path) -> None:
    first = ensure_certificates(tmp_path, ["pve1"]).cert_file.read_bytes()

    assert ensure_certificates(tmp_path, ["pve1"]).cert_file.read_bytes() == first
