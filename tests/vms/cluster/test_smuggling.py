"""Any text in any field of a change: what is sent never sets another option, property or device than the one meant."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from requests import PreparedRequest, Response

from tests.figures import figure, scaled
from vms.cluster import Cluster, errors
from vms.cluster import settings as options_of
from vms.cluster.config import ClusterConfig
from vms.cluster.tls import TlsTrust
from vms.cluster.types import GuestChanges, GuestRef, NicWish
from vms.cluster.wire import Wire

UUID = "11111111-2222-4333-8444-555555555555"
REF = GuestRef("pve1", 100, UUID, "alice")
CONFIG = {
    "smbios1": f"uuid={UUID}",
    "name": "web-01",
    "digest": "0" * 40,
    "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,rate=5",
    "scsi0": "shared:vm-100-disk-0,size=4G",
    "ide2": "none,media=cdrom",
    "ide0": "shared:vm-100-cloudinit,media=cdrom",
    "unused0": "shared:vm-100-disk-1",
    "boot": "order=scsi0",
    "tags": "a",
    "description": "vmportal:1\nnotes",
}
OWN = frozenset({"net0", "scsi0", "ide2", "ide0", "unused0"})
NASTY = (
    "net0,hookscript=local:snippets/x", "net0\nhookscript: x", "net0&hookscript=x", "a=b", "vmbr0,firewall=0", "\r\n",
    "ide2", "net1", "scsi0", "args", "lock", "std,memory=1", "local:iso/a.iso,size=9G", "local:iso/a.iso", "x;y", "%0A",
    "BC:24:11:00:00:02", "vmbr0", "std", "order=net0", "net0;args=x", "\x00", "ide2 ", "unused0", "unused1",
)  # fmt: skip
#: A property string's names.
PROPERTIES = {
    "net": {"virtio", "bridge", "rate", "tag", "firewall", "link_down"},
    "ide": {"media"}, "sata": {"media"}, "scsi": {"media"}, "vga": {"type", "clipboard"},
    "agent": {"enabled"}, "boot": {"order"},
}  # fmt: skip

anything = st.one_of(
    st.sampled_from(NASTY), st.text(max_size=30), st.builds("{}{}".format, st.sampled_from(NASTY), st.text(max_size=8))
)
few = st.lists(anything, max_size=4).map(tuple)
nics = st.builds(
    NicWish,
    slot=anything,
    bridge=anything,
    mac=st.one_of(st.just(""), anything),
    has_firewall=st.booleans(),
    is_link_down=st.booleans(),
)
#: Field to what may be typed there, and to the options it may set.
FIELDS: dict[str, tuple[st.SearchStrategy[Any], set[str]]] = {
    "name": (anything, {"name"}),
    "description": (anything, {"description"}),
    "notes": (anything, {"description"}),
    "tags": (few, {"tags"}),
    "display": (anything, {"vga"}),
    "boot_order": (few, {"boot"}),
    "cdrom": (st.tuples(anything, anything), {"ide*", "sata*", "scsi*"}),
    "forget": (few, {"revert"}),
    "nic": (nics, {"net*"}),
    "remove": (few, set()),
    "add_disk": (st.tuples(anything, anything, st.integers()), {"ide*", "sata*", "scsi*", "virtio*"}),
}


@dataclass
class Sent:
    """The bodies of changes that left, as Proxmox would read them."""

    bodies: list[dict[str, str]] = field(default_factory=list)

    def answer(self, request: PreparedRequest) -> Any:
        """As a cluster with this one machine."""
        path = request.path_url
        if request.method != "GET":
            pairs = parse_qsl(str(request.body or ""), keep_blank_values=True, strict_parsing=True)
            assert len({key for key, _ in pairs}) == len(pairs), "an option was sent twice"
            self.bodies.append(dict(pairs))
            return None
        if path.endswith("/pending"):
            return [{"key": key, "value": value} for key, value in CONFIG.items()]
        assert "/pools" in path, path
        return [{"poolid": "alice", "members": [{"type": "qemu", "vmid": 100}]}]


@contextmanager
def sending() -> Iterator[tuple[Cluster, Sent]]:
    """A gateway with everything but the socket."""
    sent = Sent()

    def send(_wire: Wire, request: PreparedRequest, **_: Any) -> Response:
        answer = Response()
        answer.status_code, answer.request, answer.url = 200, request, request.url or ""
        answer._content = json.dumps({"data": sent.answer(request)}).encode()
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Wire, "send", send)
        patched.setattr(Wire, "__init__", lambda self, *_, **__: None)
        patched.setattr(Wire, "close", lambda self: None)
        yield Cluster(ClusterConfig((("192.0.2.1", 8006),), "p@pve", "t", "secret", TlsTrust(""))), sent


def smuggled(sent: Sent, allowed: set[str]) -> list[str]:
    """Options, properties and devices in the bodies that were not asked for."""
    found = []
    for body in sent.bodies:
        for key, value in body.items():
            kind = key.rstrip("0123456789")
            if key == "delete":
                found += [slot for slot in value.split(",") if slot not in OWN | {"tags", "description"}]
            elif key != "digest" and not (key in allowed or (f"{kind}*" in allowed and kind != key)):
                found.append(key)
            if kind in PROPERTIES:
                names = {part.partition("=")[0] for part in value.split(",") if "=" in part}
                found += [f"{key}: {name}" for name in names - PROPERTIES[kind]]
            if kind in PROPERTIES | {"revert": set(), "tags": set(), "delete": set()} and not value.isprintable():
                found.append(f"{key}: {value!r}")
    return found


def attempt(name: str) -> Callable[[Any], list[str]]:
    """Types something into one field; what got through beside what was meant."""
    allowed = FIELDS[name][1]

    def typed(text: Any) -> list[str]:
        with sending() as (cluster, sent), suppress(errors.Refused):
            cluster.configure(REF, GuestChanges(**{name: text}))
        return smuggled(sent, allowed)

    return typed


@pytest.mark.parametrize("name", list(FIELDS))
def test_whatever_is_typed_sets_nothing_else(name: str) -> None:
    tried, found = 0, list[str]()

    @trying(max_examples=scaled(150, 3000), deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(FIELDS[name][0])
    def whatever(text: Any) -> None:
        nonlocal tried
        tried += 1
        found.extend(attempt(name)(text))
        assert not found, (name, text, found)

    whatever()
    figure("smuggling", name, "texts", tried, "other options set", len(found))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nic", NicWish("net0,hookscript=x", "vmbr0")),
        ("nic", NicWish("net0", "vmbr0,hookscript=x")),
        ("nic", NicWish("net0", "vmbr0", mac="BC:24:11:00:00:02,rate=9")),
        ("nic", NicWish("args", "vmbr0")),
        ("cdrom", ("scsi0", "local:iso/a.iso")),
        ("cdrom", ("ide0", "local:iso/a.iso")),
        ("cdrom", ("ide2", "local:iso/a.iso,size=9G")),
        ("cdrom", ("hookscript", "local:iso/a.iso")),
        ("remove", ("net1",)),
        ("remove", ("protection",)),
        ("remove", ("net0\n",)),
        ("boot_order", ("scsi0;args",)),
        ("display", "none"),
        ("tags", ("a;b",)),
        ("forget", ("vga,args",)),
    ],
)
def test_what_is_no_word_is_refused_before_anything_is_sent(name: str, text: Any) -> None:
    with sending() as (cluster, sent), pytest.raises(errors.Refused) as refused:
        cluster.configure(REF, GuestChanges(**{name: text}))

    assert (bool(refused.value.fields), sent.bodies) == (True, [])


@pytest.mark.parametrize("name", ["nic", "cdrom", "boot_order", "tags", "display", "forget"])
def test_without_the_check_of_words_it_gets_through(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same texts arrive where words are not checked."""
    monkeypatch.setattr(options_of, "require_words", lambda **_: None)
    texts = {
        "nic": NicWish("net0", "vmbr0,hookscript=x"),
        "cdrom": ("ide2", "local:iso/a.iso,size=9G"),
        "boot_order": ("scsi0,args=x",),
        "tags": ("a\nb",),
        "display": "std,memory=1",
        "forget": ("a\n",),
    }

    assert attempt(name)(texts[name])
