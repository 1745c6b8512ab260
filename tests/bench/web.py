"""Pages and API calls as the load makes them: one connection each, to the last byte."""

import asyncio
import json
import ssl
import time
from typing import Any
from urllib.parse import urlencode

Site = dict[str, Any]
Person = tuple[str, list[str]]


async def ask(site: Site, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
    """Status and body. `site`: host, port and, for TLS, the file of its authority."""
    trust = ssl.create_default_context(cafile=site["ca"]) if site.get("ca") else None
    reader, writer = await asyncio.open_connection(
        site["host"], site["port"], ssl=trust, server_hostname=site["host"] if trust else None
    )
    known = {"Host": f"{site['host']}:{site['port']}", "Connection": "close", "Content-Length": str(len(body))}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in (known | headers).items())]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    answer = await reader.read(-1)
    writer.close()
    head, _, rest = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), rest


async def granted(click: dict[str, Any]) -> dict[str, Any]:
    """The POST of the console's page; the socket to open with what it gave."""
    headers = click["headers"]
    status, body = await ask(click["site"], "POST", click["path"], headers)
    assert status == 200, f"{click['path']}: {status}"
    grant = json.loads(body)
    socket = [["Origin", headers["Origin"]], ["Cookie", headers["Cookie"]]]
    socket.append(["Sec-WebSocket-Protocol", f"vmportal.v1, grant.{grant['grant']}"])
    return {**click["socket"], "path": grant["url"], "headers": socket}


async def vncproxied(click: dict[str, Any]) -> dict[str, Any]:
    """What a client without a portal does: `vncproxy`, then the socket of its answer."""
    headers = {**click["headers"], "Content-Type": "application/x-www-form-urlencoded"}
    body = b"websocket=1&generate-password=1"
    status, answer = await ask(click["site"], "POST", click["path"] + "/vncproxy", headers, body)
    assert status == 200, f"vncproxy: {status}"
    data = json.loads(answer)["data"]
    query = urlencode({"port": data["port"], "vncticket": data["ticket"]})
    socket = [["Sec-WebSocket-Protocol", "binary"], *(list(pair) for pair in click["headers"].items())]
    known = {"path": f"{click['path']}/vncwebsocket?{query}", "headers": socket, "password": data["password"]}
    return {**click["socket"], **known}


async def browse(site: Site, people: list[Person], every_s: float, rounds: int) -> list[float]:
    """Each person, a cookie and their pages, loads one page after the other, `every_s` from one to the next; the
    seconds of each."""
    loop, took = asyncio.get_running_loop(), []

    async def person(n: int, cookie: str, paths: list[str]) -> None:
        due = loop.time() + every_s * n / len(people)
        for page in range(rounds):
            await asyncio.sleep(due - loop.time())
            begun, due = time.perf_counter(), due + every_s
            path = paths[(n + page) % len(paths)]
            status, _ = await ask(site, "GET", path, {"Cookie": cookie})
            assert status == 200, f"{path}: {status}"
            took.append(time.perf_counter() - begun)

    await asyncio.gather(*(person(n, cookie, paths) for n, (cookie, paths) in enumerate(people)))
    return took
