"""Everything a browser gets for a console, byte by byte: nothing of Proxmox is in it."""

import re
import struct
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.consoles.browser import Browser, headers
from tests.consoles.canary import canary, looked_for, stores, typed_at
from tests.consoles.conftest import House
from tests.consoles.portal import Portal, serving
from tests.consoles.rfb.conversations import KEY_A, request
from tests.consoles.streams import eventually
from tests.figures import figure


@pytest.fixture
def told_file(tmp_path: Path) -> Path:
    return tmp_path / "told"


def shown(response: httpx.Response) -> bytes:
    """Status line, headers and body."""
    lines = [f"{name}: {value}" for name, value in response.headers.multi_items()]
    return "\n".join([str(response.status_code), *lines, ""]).encode() + response.content


async def captured(house: House, portal: Portal) -> tuple[bytes, dict[str, int]]:
    """The console's page, the grant's JSON and the socket's bytes, as a browser gets them."""
    client = httpx.AsyncClient(base_url=portal.origin, cookies={"sessionid": house.cookie}, trust_env=False, timeout=30)
    async with client:
        page = await client.get(f"/vms/{house.vm.pk}/console/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token is not None
        assert (page.status_code, "no-store" in page.headers["Cache-Control"]) == (200, True)
        answer = await client.post(
            f"/vms/{house.vm.pk}/console/grant", headers={"X-CSRFToken": token[1], "Origin": portal.origin}
        )
    assert (answer.status_code, "no-store" in answer.headers["Cache-Control"]) == (200, True)
    known = headers(portal.origin, house.cookie, answer.json()["grant"])
    browser = await Browser.open(portal.port, answer.json()["url"], known)
    house.browsers.append(browser)
    await browser.start_console(request(incremental=0) + KEY_A)
    await browser.read_until(lambda payload: len(payload) > 640 * 400 * 4)
    parts = {"page": shown(page), "json": shown(answer), "socket": bytes(browser.raw)}
    return b"\n".join(parts.values()), {name: len(data) for name, data in parts.items()}


def test_no_byte_of_page_json_or_socket_is_proxmoxs(house: House, tmp_path: Path, told_file: Path) -> None:
    hosts = f"localhost:{house.cluster.port}"
    variables: dict[str, Any] = {"PROXMOX_HOSTS": hosts, "TOLD_FILE": told_file, "LOG_LEVEL": "DEBUG"}

    with serving(house.cluster, tmp_path, "tests.consoles.telling:application", **variables) as portal:
        seen, sizes = house.run(captured(house, portal))
        log = portal.log.read_bytes()

    told = told_file.read_text().split()
    secrets = [*told, *(quote(word, safe="") for word in told), told[0][:24], "PVEVNC", "PVEAPIToken"]
    secrets += [house.cluster.token_value, house.cluster.console_token_value, "localhost", f":{house.cluster.port}"]
    found = [word for word in secrets if word.encode() in seen]
    counts = [f"{name}_bytes {size}" for name, size in sizes.items()]
    figure("C-02", *counts, "secrets", len(secrets), "found", len(found))
    assert found == []
    confidential = [*told[:2], *told[3:], quote(told[0], safe=""), house.cluster.console_token_value]
    assert [word for word in confidential if word.encode() in log] == []


def test_keys_and_clipboard_by_hand_are_found_nowhere(house: House, tmp_path: Path) -> None:
    word, other = canary(), canary()

    async def scenario(portal: Portal) -> None:
        browser = await house.open_at(portal)
        await browser.start_console()
        for letter in f"{word}\n":
            keysym = 0xFF0D if letter == "\n" else ord(letter)
            browser.send(struct.pack(">BBHI", 4, 1, 0, keysym) + struct.pack(">BBHI", 4, 0, 0, keysym))
        browser.send(struct.pack(">B3xI", 6, len(other)) + other.encode())
        browser.send(b"\xfa" + other.encode())
        await eventually(lambda: _soon(typed_at(house)), lambda text: word in text, within_s=20)
        await browser.read_to_end()

    async def _soon(text: str) -> str:
        return text

    with serving(house.cluster, tmp_path, LOG_LEVEL="DEBUG") as portal:
        house.run(scenario(portal))
        kept = stores(portal)

    found = looked_for(word, kept) + looked_for(other, kept)
    figure("R-40", "typed", "stores", len(kept), "bytes", sum(map(len, kept.values())), "found", len(found))
    assert found == []
