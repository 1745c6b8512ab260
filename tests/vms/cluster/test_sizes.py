import pytest

from vms.cluster.sizes import size_bytes

GIB = 1024**3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("32G", 32 * GIB),
        ("512M", GIB // 2),
        ("4T", 4096 * GIB),
        ("1048576K", GIB),
        ("1073741824", GIB),
        (1073741824, GIB),
        ("2.5G", GIB * 5 // 2),
        ("528K", 528 * 1024),
        ("32g", 32 * GIB),
        ("0", 0),
    ],
)
def test_every_unit_that_proxmox_writes_is_read(text: object, found: int) -> None:
    assert size_bytes(text) == found


@pytest.mark.parametrize("text", ["", "G", "-1G", "32X", "1e9", "32 G", None])
def test_what_is_no_size_is_none(text: object) -> None:
    assert size_bytes(text) is None


def test_a_part_of_a_byte_is_rounded_up() -> None:
    assert size_bytes("0.1K") == 103
