"""U-09: after each kind of hardware change row and page say what the cluster has, and what waits there."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from tests.cast import Cast
from tests.devcluster.cluster import DevCluster
from tests.figures import figure
from tests.sign_in import sign_in
from tests.vms.operations.bench import Bench
from tests.vms.operations.changes import CHANGES, request, rich
from tests.vms.operations.workshop import SHORT, Workshop
from vms.states import OperationState

#: What Proxmox writes by itself and no page shows.
UNSHOWN = frozenset({"smbios1", "vmgenid", "meta", "scsihw", "ostype", "cpu", "parent", "sockets", "digest"})


@pytest.fixture(params=["8.4", "9.2"])
def either(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, cast: Cast, settings: Settings
) -> Iterator[tuple[str, Workshop]]:
    """The stand-in of each release."""
    with DevCluster.start(tmp_path_factory.mktemp("release"), profile=request.param) as cluster:
        for name, value in {**cluster.settings(), **SHORT}.items():
            setattr(settings, name, value)
        yield request.param, Workshop(cast, cluster)


def test_after_each_change_the_row_is_as_the_cluster(either: tuple[str, Workshop]) -> None:
    release, shop = either
    bench = rich(shop)
    differences = [f"before: {each}" for each in compare(bench)]

    for kind in CHANGES:
        op = shop.work(request(bench, kind))
        assert op.state == OperationState.SUCCEEDED, (kind, op.sentence, op.detail)
        differences += [f"{kind}: {each}" for each in [*compare(bench), *compare_page(bench)]]

    figure("U-09", release, "changes", len(CHANGES), "differences", len(differences))
    assert (differences, len(CHANGES) >= 12) == ([], True)
    assert bench.pending == {}


def test_a_change_the_row_does_not_know_is_found(shop: Workshop) -> None:
    """The control: the comparison sees what the row does not say."""
    bench = rich(shop)
    pve = shop.cluster

    pve.change(bench.vm.vmid or 0, config={"net0": "virtio=BC:24:11:00:00:01,bridge=vmbr9", "tags": "x"})
    pve.change(bench.vm.vmid or 0, pending={"vga": "qxl", "scsi1": None})

    assert {each.split(":")[0] for each in compare(bench)} == {"net0", "tags", "vga", "scsi1"}
    assert any("undo" in each for each in compare_page(bench))


def compare(bench: Bench) -> list[str]:
    """Options of which the row says anything else than the cluster: now, or after the next start."""
    config, pending = bench.config, bench.pending
    row = Shown(bench)
    later = {key: pending.get(key, config.get(key)) for key in {*config, *pending} - UNSHOWN}
    wrong = [key for key, text in later.items() if row.later(key) != (told(key, text) if text else "removed")]
    wrong += [key for key in pending if row.now(key) != told(key, config.get(key))]
    wrong += list({*row.waiting} ^ {*pending})
    return [f"{key}: cluster {config.get(key)} then {later.get(key)}, row {row.told.get(key)}" for key in set(wrong)]


def compare_page(bench: Bench) -> list[str]:
    """What the hardware page lists as Proxmox's own, and offers to undo, against the cluster."""
    page = sign_in(Client(), bench.shop.cast.alice).get(f"/vms/{bench.vm.pk}/hardware/").content.decode()
    config, pending = bench.config, bench.pending
    listed = {line for line in re.findall(r"<li>([a-z]+\d+: [^<]*)</li>", page) if not line.startswith("boot")}
    drives = {**config, **{key: text for key, text in pending.items() if text}}
    there = {
        f"{slot}: {_device(slot, text)}" for slot, text in [*config.items(), *drives.items()] if _device(slot, text)
    }
    undone = set(re.findall(r'name="keys" value="([^"]*)"', page))
    order = re.findall(r"<li>boot: ([^<]*)</li>", page)
    found = [f"page: {each}" for each in listed ^ there]
    found += [] if undone == set(pending) else [f"page: undo {undone}, cluster {set(pending)}"]
    return found + ([] if order == [drives["boot"].removeprefix("order=")] else [f"page: boots from {order}"])


def _device(slot: str, text: str) -> str:
    """A drive by its volume, a network card by its model and address; empty for other options."""
    if re.fullmatch(r"net\d+", slot):
        return text.partition(",")[0].replace("=", ", ")
    return text.partition(",")[0] if re.fullmatch(r"(ide|sata|scsi|virtio|unused)\d+", slot) else ""


class Shown:
    """The row as a page reads it."""

    def __init__(self, bench: Bench) -> None:
        row = bench.row
        self.hardware: dict[str, Any] = row.hardware
        self.told: dict[str, str] = self.hardware["told"]
        self.waiting = {each["key"]: each for each in self.hardware["pending"]}
        self.direct = {"name": row.name, "tags": ";".join(row.tags), "description": row.notes}

    def later(self, key: str) -> str:
        """What it says of the time after the next start."""
        if key in self.direct:
            return self.direct[key]
        return self.told.get(key, "gone") if key not in self.waiting else self.waiting[key]["later"]

    def now(self, key: str) -> str:
        """What it says of now, for an option that waits."""
        return str(self.waiting.get(key, {"now": "nothing waits"})["now"])


def told(key: str, text: str | None) -> str:
    """Proxmox's option as the row has to say it, worked out once more and by other means."""
    parts = (text or "").split(",")
    has = {part.partition("=")[0]: part.partition("=")[2] for part in parts}
    if text is None:
        return "none"
    if key.startswith("net"):
        words = [has["bridge"], parts[0].partition("=")[2]]
        words += ["firewall on"] if has.get("firewall") == "1" else []
        return ", ".join(words + (["unplugged"] if has.get("link_down") == "1" else []))
    if has.get("media") == "cdrom":
        return "CD drive, " + ("empty" if parts[0] == "none" else parts[0].rpartition("/")[2])
    if key.startswith(("scsi", "unused")):
        return f"{has['size'].removesuffix('G')} GiB on shared" if "size" in has else "size not known on shared"
    return _option(key, text, has, parts)


def _option(key: str, text: str, has: dict[str, str], parts: list[str]) -> str:
    match key:
        case "boot":
            return text.removeprefix("order=").replace(";", ", ") or "none"
        case "agent":
            return "on" if has.get("enabled", text) == "1" else "off"
        case "vga":
            return has.get("type", parts[0]) + (", with a clipboard" if "clipboard" in has else "")
        case "memory":
            return f"{text} MiB"
        case "onboot" | "protection":
            return "yes" if text == "1" else "no"
        case "description":
            return "\n".join(line for line in text.split("\n") if not line.startswith("vmportal:"))
        case _:
            return text
