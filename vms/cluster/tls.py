"""How a Proxmox host proves who it is. Verification cannot be switched off."""

import hashlib
import ssl
from dataclasses import dataclass

from vms.cluster.errors import CertificateRefused


@dataclass(frozen=True, slots=True)
class TlsTrust:
    """Fingerprints (`AB:CD:…`, SHA-256 of a certificate) where given, else the CA file, else the system's CAs."""

    ca_file: str = ""
    fingerprints: tuple[str, ...] = ()

    def context(self) -> ssl.SSLContext:
        """A client context; with fingerprints the caller must also call `check` before it sends anything.

        CertificateRefused where the CA file cannot be read.
        """
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
        except OSError as error:
            reason = error.strerror or "it holds no certificate"
            raise CertificateRefused(f"The CA file {self.ca_file} cannot be read: {reason}.") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # Cluster CAs made before March 2026 carry no keyUsage, which the strict check of newer Pythons refuses.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.fingerprints:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def check(self, certificate: bytes | None) -> None:
        """Compare the host's certificate (DER) with the fingerprints; CertificateRefused where none is it."""
        if not self.fingerprints:
            return
        found = fingerprint(certificate or b"")
        if found not in {pin.upper() for pin in self.fingerprints}:
            raise CertificateRefused(
                f"The host's certificate has the fingerprint {found}, which is not one of those set."
            )


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a DER certificate as `pvenode cert info` prints it."""
    return hashlib.sha256(certificate).digest().hex(":").upper()
