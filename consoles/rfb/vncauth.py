"""VNC authentication (RFC 6143 section 7.2.2): the answer to a challenge."""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from consoles.rfb.constants import CHALLENGE_BYTES

KEY_BYTES = 8
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def answer(challenge: bytes, password: bytes) -> bytes:
    """The 16 bytes a server expects for its 16-byte challenge.

    DES in ECB mode; the key is the password's first eight bytes, padded with NUL, each with its bits reversed
    (the RFC does not say so; every server does). Three equal keys make triple DES a single one.
    """
    if len(challenge) != CHALLENGE_BYTES:
        raise ValueError(f"a challenge has {CHALLENGE_BYTES} bytes, not {len(challenge)}")
    key = password[:KEY_BYTES].ljust(KEY_BYTES, b"\0").translate(_REVERSED)
    # The protocol knows no other cipher; the password is one machine's, random and good for 30 s.
    cipher = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305
    return cipher.update(challenge) + cipher.finalize()
