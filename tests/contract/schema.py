"""Holds calls against Proxmox's own description of its API, which every node serves and we keep no copy of."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from requests import PreparedRequest

SHARED = Path(os.environ.get("VMPORTAL_SHARED") or Path(__file__).resolve().parents[3] / "shared")
Rule = Mapping[str, Any]

NAME = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
CONFIG_ID = r"[A-Za-z][A-Za-z0-9_-]+"
STORAGE = r"[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]"
ADDRESS = r"(ip=(dhcp|\d+(\.\d+){3}/\d+)|gw=\d+(\.\d+){3}|ip6=(auto|dhcp|[0-9a-f:]+/\d+)|gw6=[0-9a-f:]+)"
#: Named formats, as the daemons check them. One that is missing here fails the test.
FORMATS = {
    "pve-node": NAME,
    "pve-vmid": r"[1-9]\d{2,8}",
    "pve-vmid-list": r"[1-9]\d{2,8}(,[1-9]\d{2,8})*",
    "pve-poolid": r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+){0,2}",
    "dns-name": rf"{NAME}(\.{NAME})*",
    "pve-configid": CONFIG_ID,
    "pve-configid-list": rf"{CONFIG_ID}([,; ]{CONFIG_ID})*",
    "pve-storage-id": STORAGE,
    "pve-storage-content": r"images|rootdir|vztmpl|iso|backup|snippets|import|none",
    "pve-tag-list": r"[a-z0-9_][a-z0-9_+.-]*([,; ][a-z0-9_][a-z0-9_+.-]*)*",
    "pve-bridge-id": r"[A-Za-z0-9_.-]{1,15}",
    "mac-addr": r"([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}",
    "urlencoded": r"([-%a-zA-Z0-9_.!~*'()]|%[0-9A-Fa-f]{2})*",
    "pve-volume-id-or-qm-path": rf"none|cdrom|{STORAGE}:[^\s,]+",
    "pve-vm-cpu-conf": r"(cputype=)?(host|max|kvm64|x86-64-v[1-4](-AES)?)(,flags=[-+a-z0-9;]+)?",
    "pve-qm-boot": r"order=([a-z]+\d+(;[a-z]+\d+)*)?",
    "pve-qm-smbios1": r"uuid=[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "pve-qm-ipconfig": rf"{ADDRESS}(,{ADDRESS})*",
}


@dataclass(frozen=True)
class Call:
    """One request as it left: path below /api2/json, parameters of query and body together."""

    method: str
    path: str
    parameters: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, request: PreparedRequest) -> "Call":
        """Out of what proxmoxer handed to the wire."""
        parts = urlsplit(request.url or "")
        body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
        found = [*parse_qsl(parts.query, True, True), *parse_qsl(body, True, True)]
        return cls(request.method or "", unquote(parts.path).removeprefix("/api2/json"), tuple(sorted(found)))


class Schema:
    """One release's."""

    def __init__(self, file: Path) -> None:
        self.release = re.sub(r"apidoc-|\.json", "", file.name)
        self._rules: dict[tuple[str, str], Rule] = {}
        self._walk(json.loads(file.read_text())["schema"])

    def _walk(self, nodes: list[Rule]) -> None:
        for node in nodes:
            for method, rule in node.get("info", {}).items():
                self._rules[method, node["path"]] = rule.get("parameters", {}).get("properties", {})
            self._walk(node.get("children", []))

    def faults(self, call: Call) -> list[str]:
        """What is wrong with the call; none when it is inside the schema."""
        template, of_path = self._template(call)
        if template is None:
            return [f"{self.release}: no {call.method} {call.path}"]
        rules = self._rules[call.method, template]
        given = {**of_path, **dict(call.parameters)}
        faults = [f"{name}: given twice" for name in given if [n for n, _ in call.parameters].count(name) > 1]
        for name, value in given.items():
            rule = rules.get(name) or rules.get(re.sub(r"\d+$", "[n]", name))
            faults += _faults(name, value, rule) if rule is not None else [f"{name}: not in the schema"]
            needed = rule.get("requires") if rule else None
            faults += [f"{name}: needs {needed}"] if needed and needed not in given else []
        faults += [f"{name}: missing" for name, rule in rules.items() if not rule.get("optional") and name not in given]
        return [f"{self.release}: {call.method} {template}: {fault}" for fault in faults]

    def _template(self, call: Call) -> tuple[str | None, dict[str, str]]:
        """The path with its names for what varies; a fixed word wins over a name."""
        found = []
        for method, template in self._rules:
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
            match = re.fullmatch(pattern, call.path) if method == call.method else None
            if match is not None:
                found.append((template.count("{"), template, match.groupdict()))
        return (found and min(found, key=lambda one: one[0])[1:]) or (None, {})


def _faults(name: str, value: str, rule: Rule) -> list[str]:
    kind, form = rule.get("type", "string"), rule.get("format")
    faults = []
    if kind == "boolean" and value not in {"0", "1"}:
        faults.append("not 0 or 1")
    if kind == "integer" and not re.fullmatch(r"-?\d+", value):
        faults.append("no whole number")
    if kind == "number" and not re.fullmatch(r"-?\d+(\.\d+)?", value):
        faults.append("no number")
    if kind in {"integer", "number"} and not faults and not _within(value, rule):
        faults.append("out of bounds")
    if not rule.get("minLength", 0) <= len(value) <= rule.get("maxLength", 2**31):
        faults.append("too short or too long")
    if "enum" in rule and value not in rule["enum"]:
        faults.append(f"not one of {rule['enum']}")
    if "pattern" in rule and not re.fullmatch(rule["pattern"].replace("(?^:", "(?:"), value):
        faults.append(f"does not match {rule['pattern']}")
    if isinstance(form, str):
        faults += [] if form in FORMATS else [f"format {form} is not known to the test"]
        faults += [] if re.fullmatch(FORMATS.get(form, ".*"), value, re.DOTALL) else [f"is no {form}"]
    told = [f"{name}={value!r}: {fault}" for fault in faults]
    return told + (_property_faults(name, value, form) if isinstance(form, dict) else [])


def _within(value: str, rule: Rule) -> bool:
    return float(rule.get("minimum", value)) <= float(value) <= float(rule.get("maximum", value))


def _property_faults(name: str, value: str, rules: Rule) -> list[str]:
    """Of `32,discard=on`: each part has its own rule, an alias that of another."""
    default = next((key for key, rule in rules.items() if rule.get("default_key")), "")
    faults = []
    for part in value.split(","):
        key, equals, text = part.partition("=")
        key, text = (key, text) if equals else (default, part)
        rule = rules.get(key)
        if rule is None:
            faults.append(f"{name}: {key!r} is not in the schema")
            continue
        faults += _faults(f"{name}.{key}", text, rules[rule["alias"]] if "alias" in rule else rule)
    return faults


def schemas() -> list[Schema]:
    """All releases' that are there; skips without."""
    found = [Schema(file) for file in sorted((SHARED / "proxmox").glob("apidoc-*.json"))]
    if not found:
        pytest.skip(f"no schema of Proxmox in {SHARED / 'proxmox'}; VMPORTAL_SHARED names another folder")
    return found
