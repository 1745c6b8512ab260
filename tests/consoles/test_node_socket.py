"""The socket to the node against the stand-in: real TLS, real upgrade, real frames."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consoles.bridge import Limits
from consoles.dialing import Windows, dial
from consoles.node_socket import NodeRefused, NodeSilent, NodeSocket, NodeUnreachable, open_node
from tests.consoles.rfb.conversations import BROWSER_HELLO, BROWSER_INIT, BROWSER_TYPE, CLIPBOARD, KEY_A
from tests.consoles.streams import bridged, until
from tests.devcluster.console_house import TOKEN, House, house
from vms.cluster.tls import TlsTrust, fingerprint
from vms.cluster.types import ConsoleEndpoint


class Ear:
    """Remembers what it hears."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.ended: list[str] = []
        self.writable: list[bool] = []

    def node_bytes(self, data: bytes) -> None:
        self.heard += data

    def node_broke(self, why: str) -> None:
        self.ended.append(why)

    def node_ended(self, why: str) -> None:
        self.ended.append(why)

    def node_writable(self, writable: bool) -> None:
        self.writable.append(writable)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as at:
        yield at


def endpoint(place: House, folder: Path, told: dict[str, str], **changes: object) -> ConsoleEndpoint:
    values: dict[str, object] = {
        "host": "127.0.0.1", "port": place.port, "path": "/api2/json/nodes/pve1/qemu/100/vncwebsocket",
        "trust": TlsTrust(ca_file=str(folder / "ca.pem")), "vnc_port": int(told["port"]), "ticket": told["ticket"],
        "password": told["password"], "authorization": TOKEN,
    }  # fmt: skip
    return ConsoleEndpoint(**(values | changes))  # type: ignore[arg-type]


async def dialled(place: House, folder: Path, ear: Ear, **changes: object) -> NodeSocket:
    told = await place.vncproxy()
    return await open_node(endpoint(place, folder, told, **changes), ear, connect_s=2, upgrade_s=2)


async def test_the_upgrade_carries_token_ticket_and_subprotocol_and_bytes_flow(place: House, tmp_path: Path) -> None:
    ear = Ear()

    node = await dialled(place, tmp_path, ear)
    await until(lambda: ear.heard == b"RFB 003.008\n")
    node.write(b"RFB 003.008\n")

    await until(lambda: ear.heard == b"RFB 003.008\n\x01\x02")
    node.abort()


async def test_a_certificate_is_also_accepted_by_its_fingerprint_alone(place: House, tmp_path: Path) -> None:
    pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", place.port))
    pin = fingerprint(ssl.PEM_cert_to_DER_cert(pem))

    node = await dialled(place, tmp_path, Ear(), trust=TlsTrust(fingerprints=(pin,)))

    node.abort()


@pytest.mark.parametrize("trust", [TlsTrust(), TlsTrust(fingerprints=(":".join(["AB"] * 32),))])
async def test_nothing_is_sent_to_a_host_without_proof(place: House, tmp_path: Path, trust: TlsTrust) -> None:
    with pytest.raises(NodeUnreachable, match=r"certificate|CERTIFICATE"):
        await dialled(place, tmp_path, Ear(), trust=trust)

    assert [console.state for console in place.site.cluster.consoles] == ["waiting"]


async def test_a_name_the_certificate_does_not_hold_is_refused(place: House, tmp_path: Path) -> None:
    with pytest.raises(NodeUnreachable, match=r"CERTIFICATE_VERIFY_FAILED"):
        await dialled(place, tmp_path, Ear(), host="127.1")


async def test_a_wrong_token_is_refused_in_proxmoxs_words(place: House, tmp_path: Path) -> None:
    with pytest.raises(NodeRefused, match="401"):
        await dialled(place, tmp_path, Ear(), authorization="PVEAPIToken=portal@pve!portal=wrong")


async def test_a_second_connection_to_a_port_is_never_answered(place: House, tmp_path: Path) -> None:
    told = await place.vncproxy()
    first = await open_node(endpoint(place, tmp_path, told), Ear(), connect_s=2, upgrade_s=2)

    with pytest.raises(NodeSilent):
        await open_node(endpoint(place, tmp_path, told), Ear(), connect_s=2, upgrade_s=0.02)

    first.abort()


async def test_nobody_there_is_unreachable(place: House, tmp_path: Path) -> None:
    with pytest.raises(NodeUnreachable):
        await dialled(place, tmp_path, Ear(), port=1)


async def test_large_and_small_writes_go_out_in_frames_that_end_no_worker(place: House, tmp_path: Path) -> None:
    ear = Ear()
    node = await dialled(place, tmp_path, ear)

    for size in (1, 125, 126, 65_535, 65_536, 65_537, 500_000):
        node.write(b"\0" * size)

    await until(lambda: ear.ended)
    assert (place.site.cluster.meters.worker_deaths, ear.ended) == (0, ["the node closed the connection"])


async def test_no_secret_of_the_handshake_is_logged(
    place: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = await place.vncproxy()
    with caplog.at_level(logging.DEBUG):
        node = await open_node(endpoint(place, tmp_path, told), Ear(), connect_s=2, upgrade_s=2)
    node.abort()

    shown = caplog.text + repr(endpoint(place, tmp_path, told))
    secrets = (told["ticket"], told["ticket"][:30], told["password"], TOKEN)
    assert not [secret for secret in secrets if secret in shown]


async def test_the_whole_way_from_vncproxy_to_keys(place: House, tmp_path: Path) -> None:
    bridge, browser = bridged()

    async def ask() -> ConsoleEndpoint:
        return endpoint(place, tmp_path, await place.vncproxy())

    bridge.browser_bytes(BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT + KEY_A + CLIPBOARD)
    await dial(bridge, ask, Windows())

    await until(lambda: b"card (vm100)" in browser.sent)
    await until(lambda: len(place.card(100).events()) == 2)
    assert [(event["kind"], event["keysym"]) for event in place.card(100).events()] == [("key", 0x61), ("clipboard", 0)]
    bridge.browser_gone()


async def test_ten_at_once_all_get_in_by_new_ports(place: House, tmp_path: Path) -> None:
    asked = 0

    async def ask() -> ConsoleEndpoint:
        nonlocal asked
        asked += 1
        return endpoint(place, tmp_path, await place.vncproxy())

    consoles = [bridged(Limits()) for _ in range(10)]
    for bridge, _ in consoles:
        bridge.browser_bytes(BROWSER_HELLO + BROWSER_TYPE + BROWSER_INIT)
    await asyncio.gather(*(dial(bridge, ask, Windows(retries=9)) for bridge, _ in consoles))

    assert [bridge.ended.result().word for bridge, _ in consoles if bridge.ended.done()] == []
    assert (asked > 10, place.site.cluster.meters.worker_deaths) == (True, 0)
    for bridge, _ in consoles:
        bridge.browser_gone()
