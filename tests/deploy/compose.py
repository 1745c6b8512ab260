"""Reads docker-compose.yml as Compose does, as far as our file goes: substitution, merged keys, commands."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


class MissingVariable(Exception):
    """A variable that the file demands and nobody gave."""


def services(variables: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """The services by name, with these variables put in. Raises MissingVariable."""
    return dict(_put(yaml.safe_load(FILE.read_text(encoding="utf-8")), variables)["services"])


def demanded() -> set[str]:
    """Variables without which the file refuses to start."""
    return {match["name"] for match in VARIABLE.finditer(FILE.read_text(encoding="utf-8")) if match["kind"] == "?"}


def _put(node: Any, variables: Mapping[str, str]) -> Any:
    """Compose puts variables into the strings of the parsed file."""
    if isinstance(node, dict):
        return {name: _put(value, variables) for name, value in node.items()}
    if isinstance(node, list):
        return [_put(value, variables) for value in node]
    return VARIABLE.sub(lambda match: _value(match, variables), node) if isinstance(node, str) else node


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    given = variables.get(match["name"], "")
    if given:
        return given
    if match["kind"] == "?":
        raise MissingVariable(f"{match['name']}: {match['rest']}")
    return match["rest"] or ""
