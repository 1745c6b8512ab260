"""VNC authentication, RFC 6143 7.2.2: DES over a challenge, with the bits of each key byte in the wrong order."""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes


def response(password: str, challenge: bytes) -> bytes:
    """What a client who knows the password (its first eight bytes) answers to the 16-byte challenge."""
    key = password.encode("latin-1")[:8].ljust(8, b"\0")
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in key)
    # Three equal keys are plain DES; ECB is what the protocol prescribes.
    encryptor = Cipher(TripleDES(mirrored * 3), modes.ECB()).encryptor()  # noqa: S305
    return encryptor.update(challenge) + encryptor.finalize()
