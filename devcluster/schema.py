"""Parameter verification: the rules a value must meet and the words it is refused with."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

Kind = Literal["string", "integer", "number", "boolean", "array"]
# Returns the complaint, or None if the value is fine.
Format = Callable[[str], str | None]


@dataclass(frozen=True)
class Rule:
    kind: Kind = "string"
    optional: bool = True
    minimum: int | None = None
    maximum: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    format: Format | None = None

    def required(self) -> "Rule":
        return replace(self, optional=False)


class Unfit(Exception):
    """A value that breaks its rule, in Proxmox's words."""


def dns_name(value: str) -> str | None:
    label = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    fine = re.fullmatch(rf"{label}(?:\.{label})*", value)
    return None if fine else "value does not look like a valid DNS name\n"


def vm_id(value: str) -> str | None:
    fine = value.isdigit() and 100 <= int(value) <= 999999999
    return None if fine else "value does not look like a valid VM ID\n"


def config_id(value: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]+", value) else f"invalid configuration ID '{value}'\n"


def storage_id(value: str) -> str | None:
    fine = re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*[A-Za-z0-9]", value)
    return None if fine else f"storage ID '{value}' contains illegal characters\n"


STRING = Rule()
BOOL = Rule("boolean")
INTEGER = Rule("integer")
COUNT = Rule("integer", minimum=0)
VMID = Rule("integer", format=vm_id)
NODE = Rule()
DIGEST = Rule(max_length=64)
SNAPSHOT = Rule(max_length=40, format=config_id)


def verify(rules: Mapping[str, Rule], given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Typed values and the errors map. Booleans become 1 or 0; what has no rule is refused."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, raw in given.items():
        rule = rules.get(name)
        if rule is None:
            errors[name] = "property is not defined in schema and the schema does not allow additional properties"
            continue
        try:
            values[name] = check(rule, raw)
        except Unfit as complaint:
            errors[name] = str(complaint)
    for name, rule in rules.items():
        if not rule.optional and name not in given:
            errors[name] = "property is missing and it is not optional"
    return values, errors


def check(rule: Rule, raw: Any) -> Any:
    """The value as its type, or Unfit."""
    if rule.kind == "array":
        return [str(one) for one in raw] if isinstance(raw, list) else [str(raw)]
    if isinstance(raw, list):
        raise Unfit(f"type check ('{rule.kind}') failed - got ARRAY")
    if isinstance(raw, bool):
        raw = int(raw)
    value = _typed(rule, "" if raw is None else str(raw))
    _bounds(rule, value)
    return value


def _typed(rule: Rule, text: str) -> Any:
    patterns = {"integer": r"-?\d+", "number": r"-?\d+(?:\.\d+)?", "boolean": r"[01]"}
    if rule.kind in patterns and not re.fullmatch(patterns[rule.kind], text):
        raise Unfit(f"type check ('{rule.kind}') failed - got '{text}'")
    if rule.format is not None and (complaint := rule.format(text)) is not None:
        raise Unfit(f"invalid format - {complaint}")
    if rule.kind == "number":
        return float(text)
    return int(text) if rule.kind in patterns else text


def _bounds(rule: Rule, value: Any) -> None:
    if isinstance(value, (int, float)):
        if rule.minimum is not None and value < rule.minimum:
            raise Unfit(f"value must have a minimum value of {rule.minimum}")
        if rule.maximum is not None and value > rule.maximum:
            raise Unfit(f"value must have a maximum value of {rule.maximum}")
        return
    if rule.max_length is not None and len(value) > rule.max_length:
        raise Unfit(f"value may only be {rule.max_length} characters long")
    if rule.min_length is not None and len(value) < rule.min_length:
        raise Unfit(f"value must be at least {rule.min_length} characters long")
    if rule.enum and value not in rule.enum:
        raise Unfit(f"value '{value}' does not have a value in the enumeration '{', '.join(rule.enum)}'")
    if rule.pattern is not None and not re.fullmatch(rule.pattern, value):
        raise Unfit("value does not match the regex pattern")
