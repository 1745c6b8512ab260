"""Parameters of a request: form or JSON body with the query merged on top."""

import json
from typing import Any
from urllib.parse import unquote_plus

from starlette.requests import Request

from devcluster.refusals import Refusal

LIMIT_BYTES = 512 * 1024


async def read_parameters(request: Request) -> dict[str, Any]:
    """Raises the 501 of oversized and unexpected bodies, 506 of unknown content types."""
    length = int(request.headers.get("content-length") or 0)
    if "chunked" in request.headers.get("transfer-encoding", ""):
        raise Refusal(501, "chunked transfer encoding not supported", empty=True)
    if length > LIMIT_BYTES:
        await _let_it_send(request)
        raise Refusal(501, "for data too large", empty=True)
    if length and request.method in ("GET", "DELETE"):
        raise Refusal(501, f"Unexpected content for method '{request.method}'", empty=True)
    body = _parse(request.headers.get("content-type", ""), await request.body()) if length else {}
    query = parse_form(request.url.query)
    query.pop("_dc", None)
    return {**body, **query}


async def _let_it_send(request: Request) -> None:
    """Reads on for a while: a client that is cut off while it sends may never get to read why."""
    read_bytes = 0
    async for chunk in request.stream():
        read_bytes += len(chunk)
        if read_bytes > 4 * LIMIT_BYTES:
            return


def _parse(content_type: str, body: bytes) -> dict[str, Any]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded" or not kind:
        return parse_form(body.decode("utf-8", "replace"))
    if kind != "application/json":
        raise Refusal(506, f"upload '{kind}' not supported", empty=True)
    try:
        given = json.loads(body)
    except ValueError:
        raise Refusal(400, "malformed JSON string", empty=True) from None
    return given if isinstance(given, dict) else {}


def parse_form(text: str) -> dict[str, Any]:
    """Pairs are split at & and at ; alike; a repeated key becomes a list."""
    found: dict[str, Any] = {}
    for pair in text.replace(";", "&").split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        key, plain = unquote_plus(name), unquote_plus(value)
        if key in found:
            held = found[key]
            found[key] = [*held, plain] if isinstance(held, list) else [held, plain]
        else:
            found[key] = plain
    return found
