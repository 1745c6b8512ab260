"""What two answers have in common when their values are not looked at."""

from typing import Any


def shape(value: Any) -> Any:
    """Types all the way down. Rows of a list are folded into one, told apart by their `type`."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return _list_shape(value)
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "null" if value is None else "text"


def _list_shape(rows: list[Any]) -> Any:
    if not rows:
        return ["nothing"]
    if not all(isinstance(row, dict) for row in rows):
        return sorted({str(shape(row)) for row in rows})
    kinds: dict[str, dict[str, set[str]]] = {}
    for row in rows:
        kind = kinds.setdefault(_kind(row), {})
        for key, inner in row.items():
            kind.setdefault(key, set()).add(str(shape(inner)))
    return {kind: {key: sorted(found) for key, found in sorted(keys.items())} for kind, keys in sorted(kinds.items())}


def _kind(row: dict[str, Any]) -> str:
    """Rows of options are told apart by their key; of resources by their type, and running from stopped ones."""
    if "key" in row:
        return str(row["key"])
    return str(row["type"]) if row.get("type") in ("qemu", "node", "storage", "pool", "sdn", "network") else "row"


def difference(recorded: Any, answered: Any) -> str:
    """Where two shapes part, in one line; "" if nowhere."""
    if recorded == answered:
        return ""
    if isinstance(recorded, dict) and isinstance(answered, dict):
        missing = sorted(set(recorded) - set(answered))
        extra = sorted(set(answered) - set(recorded))
        if missing or extra:
            return f"missing {missing} extra {extra}"
        parts = [
            f"{key}: {difference(recorded[key], answered[key])}" for key in recorded if recorded[key] != answered[key]
        ]
        return "; ".join(parts)
    return f"{recorded} became {answered}"
