"""What ASGI cannot say and the wire must."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.devcluster.console_house import House, house
from tests.devcluster.rfb import within


@pytest.fixture
async def pve(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as running:
        yield running


async def raw(pve: House, request: str) -> bytes:
    streams = await pve.connect()
    streams.write(request.encode())
    answer = await streams.rest()
    streams.close()
    return answer


def get(path: str, *headers: str) -> str:
    return "\r\n".join([f"GET /api2/json{path} HTTP/1.1", "Host: pve1", *headers, "Connection: close", "", ""])


async def test_the_message_is_in_the_reason_phrase_and_no_header_of_ours_gets_out(pve: House) -> None:
    answer = await raw(pve, get("/version"))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 401 No ticket\r\n")
    assert (b"x-reason" in head.lower(), body) == (False, b"")
    assert b"server: pve-api-daemon/3.0" in head.lower()


@pytest.mark.parametrize("kind", ["lose_before", "lose_after"])
async def test_a_lost_answer_is_an_end_without_a_byte(pve: House, kind: str) -> None:
    pve.site.faults.add(kind, {"match": {"path_regex": "version"}, "times": 1}, 0)

    assert await raw(pve, get("/version")) == b""
    assert (await raw(pve, get("/version"))).startswith(b"HTTP/1.1 401")


async def test_an_answer_that_is_cut_has_its_head_and_half_of_its_body(pve: House) -> None:
    pve.site.faults.add("cut_mid_answer", {"match": {"path_regex": "version"}, "times": 1}, 0)

    answer = await raw(pve, get("/version", f"Authorization: {pve.token}"))

    head, _, body = answer.partition(b"\r\n\r\n")
    promised = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert len(body) == promised // 2


async def test_an_upgrade_elsewhere_is_just_a_request(pve: House) -> None:
    upgrade = ("Upgrade: websocket", "Sec-WebSocket-Key: eA==", f"Authorization: {pve.token}")

    answer = await raw(pve, get("/version", *upgrade).replace("Connection: close", "Connection: Upgrade"))

    assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_only_who_trusts_our_authority_gets_in(pve: House) -> None:
    strangers = ssl.create_default_context()

    with pytest.raises(ssl.SSLCertVerificationError):
        await within(asyncio.open_connection("127.0.0.1", pve.port, ssl=strangers))
