"""Limits as lines of a page: what is used, what holds, which rule says so, and what was asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from quotas.errors import UNLIMITED, cores, gib
from quotas.footprint import Footprint, Usage
from quotas.limits import Limit
from quotas.models import MoreRequest
from quotas.usage import QuotaFigures

WORDS: dict[str, Callable[[int], str]] = {"cores": cores, "memory_mib": gib, "disk_gib": lambda amount: f"{amount} GiB"}
TITLES = {"cores": "CPU", "memory_mib": "Memory", "disk_gib": "Disk"}


@dataclass(frozen=True)
class Line:
    """One resource. `running` and `always` are its use both ways; `counted` is the one that counts."""

    title: str
    counted: str
    running: str
    always: str
    limit: str
    rule: str
    asked: str = ""


def lines(found: QuotaFigures | None, asked: MoreRequest | None, *, rule: Limit | None = None) -> list[Line]:
    """CPU, memory and disk; without figures nothing is used yet."""
    rule = rule or (found.rule if found else None)
    assert rule is not None  # noqa: S101 (the caller gives one of them)
    usage = found.usage if found else Usage()
    held = found.held if found else Footprint()
    return [_line(name, rule, usage, held, asked) for name in TITLES]


def _line(name: str, rule: Limit, usage: Usage, held: Footprint, asked: MoreRequest | None) -> Line:
    words = WORDS[name]
    limit, wished = getattr(rule.footprint, name), getattr(asked, name, None)
    counted = getattr(usage.counted(always=rule.counts_always), name) + getattr(held, name)
    return Line(
        title=TITLES[name],
        counted=words(counted),
        running=words(getattr(usage.running, name)),
        always=words(getattr(usage.always, name)),
        limit="no limit" if limit >= UNLIMITED else words(limit),
        rule=rule.sources[name].sentence,
        asked=words(wished) if wished is not None else "",
    )
