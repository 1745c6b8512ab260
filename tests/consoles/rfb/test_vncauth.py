"""The answer to a VNC challenge, against vectors published for DES."""

import pytest

from consoles.rfb.vncauth import answer


def reversed_bits(data: bytes) -> bytes:
    return bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)


def test_the_answer_is_des_with_each_key_byte_reversed() -> None:
    key, plain, cipher = "133457799BBCDFF1", "0123456789ABCDEF", "85E813540F0AB405"  # the textbook vector of DES

    got = answer(bytes.fromhex(plain * 2), reversed_bits(bytes.fromhex(key)))

    assert got == bytes.fromhex(cipher * 2)


@pytest.mark.parametrize(
    ("key", "plain", "cipher"),
    [
        ("0101010101010101", "95F8A5E5DD31D900", "8000000000000000"),  # NBS SP 500-20, initial permutation
        ("8001010101010101", "0000000000000000", "95A8D72813DAA94D"),  # key permutation
        ("7CA110454A1A6E57", "01A1D6D039776742", "690F5B0D9A26939B"),  # substitution tables
    ],
)
def test_the_published_vectors_of_des_hold(key: str, plain: str, cipher: str) -> None:
    assert answer(bytes.fromhex(plain * 2), reversed_bits(bytes.fromhex(key))) == bytes.fromhex(cipher * 2)


def test_only_the_first_eight_bytes_of_a_password_count() -> None:
    assert answer(bytes(16), b"PVEVNC:6") == answer(bytes(16), b"PVEVNC:65A0::signature")


def test_a_short_password_is_filled_with_nul() -> None:
    assert answer(bytes(16), b"abc") == answer(bytes(16), b"abc\0\0\0\0\0")


def test_a_challenge_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes, not 15"):
        answer(bytes(15), b"abc")
