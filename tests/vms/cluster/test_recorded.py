"""Answers recorded from real daemons, where they are available: all can be read, and each refusal has its error."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.contract.schema import SHARED
from vms.cluster import errors, parse
from vms.cluster.answers import LostAnswer, refusal
from vms.cluster.types import Upid

READERS: dict[str, Callable[[Any], object]] = {
    "/cluster/resources": parse.reading,
    "/cluster/status": parse.quorum,
    "/cluster/tasks": parse.task_rows,
    "/tasks": parse.task_rows,
    "/pending": lambda answer: parse.guest_config("pve1", 100, answer),
    "/status/current": lambda answer: parse.guest_status(100, answer),
    "/snapshot": parse.snapshots,
    "/content": parse.volumes,
    "/pools": parse.rows,
    "/access/permissions": parse.permissions,
    "/network": parse.rows,
    "/log": parse.task_log,
}
#: What a refusal of these words is, whatever call it answered.
MEANT = {
    "Permission check failed": (errors.Denied, errors.NotBound),
    "Parameter verification failed": (errors.Refused,),
    "Configuration file": (errors.NoSuchGuest,),
    "unable to find configuration file": (errors.NoSuchGuest,),
    "VM is locked": (errors.GuestLocked,),
    "can't lock file": (errors.GuestLocked,),
    "already exists": (errors.AlreadyExists,),
    "checksum mismatch": (errors.ConfigChanged,),
    "hostname lookup": (errors.Unreachable,),
    "not running": (errors.Refused,),
    "No route to host": (errors.Unreachable,),
}


def recorded(release: str) -> Iterator[dict[str, Any]]:
    """Rows of one release's file; skips without it."""
    files = sorted((SHARED / "proxmox").glob(f"traces-{release}*.jsonl"))
    if not files:
        pytest.skip(f"no recorded answers in {SHARED / 'proxmox'}; VMPORTAL_SHARED names another folder")
    for line in files[0].read_text().splitlines():
        row = json.loads(line)
        if isinstance(row.get("status"), int):
            yield row


@pytest.mark.parametrize("release", ["8.4", "9.2"])
def test_every_recorded_list_and_object_is_read(release: str) -> None:
    read = Counter[str]()
    for row in recorded(release):
        ending = next((one for one in READERS if row["path"].endswith(one)), None)
        if ending is None or row["method"] != "GET" or row["status"] != 200 or not isinstance(row.get("body"), dict):
            continue
        READERS[ending](row["body"]["data"])
        read[ending] += 1

    assert set(read) == set(READERS)
    assert read.total() >= 150


@pytest.mark.parametrize("release", ["8.4", "9.2"])
def test_every_recorded_refusal_has_an_error_of_its_own(release: str) -> None:
    found = Counter[str]()
    for row in recorded(release):
        if row["status"] < 400:
            continue
        body = row.get("body") if isinstance(row.get("body"), dict) else {}
        error = refusal(row["status"], (body or {}).get("message") or row["reason"], (body or {}).get("errors") or {})
        meant = next((kinds for words, kinds in MEANT.items() if words in row["reason"]), None)
        assert meant is None or isinstance(error, meant), row["name"]
        assert isinstance(error, LostAnswer) == (row["status"] in range(596, 600)), row["name"]
        found[type(error).__name__] += 1

    assert {"Denied", "Refused", "NoSuchGuest", "AlreadyExists", "GuestLocked", "ConfigChanged"} <= set(found)


@pytest.mark.parametrize("release", ["8.4", "9.2"])
def test_every_recorded_task_name_is_read_and_written_back(release: str) -> None:
    names = {
        row["body"]["data"]
        for row in recorded(release)
        if isinstance(row.get("body"), dict) and str(row["body"].get("data")).startswith("UPID:")
    }

    assert len(names) >= 50
    assert {str(Upid.parse(name)) for name in names} == names
