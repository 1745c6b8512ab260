"""The comparison behind F-01 is not blind: planted differences are found, order and values are none."""

from typing import Any

import pytest

from tests.devcluster.recorded.rows import PLAIN, RENAMED
from tests.devcluster.recorded.shapes import difference, shape

RECORDED: dict[str, Any] = {
    "data": [{"type": "qemu", "vmid": 100, "name": "a"}, {"type": "node", "node": "pve1", "cpu": 0.5}],
    "total": 2,
}


def parts(answered: Any) -> str:
    return difference(shape(RECORDED), shape(answered))


def test_other_values_in_another_order_have_the_same_shape() -> None:
    assert (
        parts({"total": 9, "data": [{"cpu": 1, "node": "x", "type": "node"}, {"name": "b", "type": "qemu", "vmid": 7}]})
        == ""
    )


@pytest.mark.parametrize(
    "planted",
    [
        {"data": RECORDED["data"]},
        {"data": [], "total": 0},
        {"data": None, "total": 2},
        {"data": {"type": "qemu"}, "total": 2},
        {"data": RECORDED["data"], "total": "2"},
        {"data": [*RECORDED["data"], {"type": "pool"}], "total": 2},
        {"data": [{"type": "qemu", "vmid": "100", "name": "a"}, RECORDED["data"][1]], "total": 2},
        {"data": [{"type": "qemu", "vmid": 100}, RECORDED["data"][1]], "total": 2},
        {"data": [{"type": "qemu", "vmid": 100, "name": "a", "more": 1}, RECORDED["data"][1]], "total": 2},
    ],
    ids=[
        "key gone",
        "empty",
        "null",
        "no list",
        "text for number",
        "another kind",
        "text vmid",
        "row short",
        "row long",
    ],
)
def test_a_planted_difference_is_found(planted: Any) -> None:
    assert parts(planted) != ""


@pytest.mark.parametrize(
    ("recorded", "renamed"),
    [
        ("VM 100 already running", "VM 41100 already running"),
        ("Permission check failed (/pool/p1, Pool.Allocate)", "Permission check failed (/pool/course7, Pool.Allocate)"),
        ("update pools failed: 403 Permission check failed", "update pools failed: 403 Permission check failed"),
        ("value may only be 8192 characters long", "value may only be 8192 characters long"),
        (
            "can't lock file '/var/lock/qemu-server/lock-131.conf'",
            "can't lock file '/var/lock/qemu-server/lock-41131.conf'",
        ),
        ("base volume 'vmstore:200/base-200-disk-0.qcow2'", "base volume 'bigstore:41200/base-41200-disk-0.qcow2'"),
    ],
)
def test_renaming_changes_names_and_nothing_else(recorded: str, renamed: str) -> None:
    assert RENAMED.sentence(recorded) == renamed
    assert PLAIN.sentence(recorded) == recorded
