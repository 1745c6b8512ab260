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
    text = VARIABLE.sub(lambda match: _value(match, variables), FILE.read_text(encoding="utf-8"))
    return dict(yaml.safe_load(text)["services"])


def demanded() -> set[str]:
    """Variables without which the file refuses to start."""
    return {match["name"] for match in VARIABLE.finditer(FILE.read_text(encoding="utf-8")) if match["kind"] == "?"}


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    given = variables.get(match["name"], "")
    if given:
        return given
    if match["kind"] == "?":
        raise MissingVariable(f"{match['name']}: {match['rest']}")
    return match["rest"] or ""
