"""Every address of the portal, from its URLconf."""

import fnmatch
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from tests.access.people import World

TABLE: dict[str, Any] = tomllib.loads((Path(__file__).parent / "rows.toml").read_text(encoding="utf-8"))
#: One change of a machine for all: their right is the same.
CHANGES = {"vms:change": ("rename", "add_nic"), "vms:change_uses": ("resize",)}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True)
class Address:
    """One address: the URL's name, its row, and the kind of thing it names (empty: none)."""

    name: str
    path: str
    thing: str
    guard: str
    methods: tuple[str, ...]


def patterns() -> Iterator[tuple[str, str]]:
    """(name, route) of every URL, namespaces included."""
    yield from _walk(get_resolver(), "", "/")


def row_for(name: str) -> dict[str, Any] | None:
    """The row of this URL name: its own, else the longest pattern that fits."""
    rows: dict[str, dict[str, Any]] = TABLE["urls"]
    fitting = [key for key in rows if fnmatch.fnmatchcase(name, key)]
    return rows[max(fitting, key=len)] if fitting else None


def addresses(world: World) -> list[Address]:
    """Every address with every kind of thing put into it."""
    return [address for name, route in patterns() for address in _filled(name, route, world)]


def _walk(resolver: URLResolver, namespace: str, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern).removeprefix("^").removesuffix("$")
        if isinstance(entry, URLResolver):
            yield from _walk(entry, namespace + (f"{entry.namespace}:" if entry.namespace else ""), route)
        elif isinstance(entry, URLPattern):
            yield namespace + (entry.name or route), route


def _filled(name: str, route: str, world: World) -> Iterator[Address]:
    if "vm_id" not in route:
        word = next((word for word in world.others if word in route), "")
        things = world.others[word] if word else {"": 0}
        for thing, pk in things.items():
            yield from _address(name, _fill(route, {word: pk}), thing)
        return
    for thing, pk in world.vms.items():
        if "operation_id" in route and thing not in world.operations:
            continue
        ids = {"vm_id": pk, "operation_id": world.operations.get(thing, world.operations["alices"])}
        verbs = ("reboot", "delete", *(["shutdown"] if thing in {"doras", "shared"} else []))
        for verb in verbs if name == "vms:action" else CHANGES.get(name, ("",)):
            yield from _address(f"{name}/{verb}" if verb else name, _fill(route, ids | {"name": verb}), thing)


def _address(name: str, path: str, thing: str) -> Iterator[Address]:
    row = row_for(name) or row_for(name.partition("/")[0])
    assert row, f"{name} has no row in tests/access/rows.toml"
    yield Address(name, path, thing, row["guard"], tuple(row["methods"]))


def _fill(route: str, values: dict[str, Any]) -> str:
    route = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", route)
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(values.get(match[1], 1)), route)
