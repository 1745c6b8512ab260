"""Limits as lines of a page: what is used, what holds, which rule says so, and what was asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from quotas.errors import UNLIMITED, cores, gib
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


def lines(found: QuotaFigures, asked: MoreRequest | None) -> list[Line]:
    """CPU, memory and disk."""
    return [_line(name, found, asked) for name in TITLES]


def _line(name: str, found: QuotaFigures, asked: MoreRequest | None) -> Line:
    words, usage = WORDS[name], found.usage
    limit, wished = getattr(found.limit, name), getattr(asked, name, None)
    counted = getattr(found.used, name) + getattr(found.held, name)
    return Line(
        title=TITLES[name],
        counted=words(counted),
        running=words(getattr(usage.running, name)),
        always=words(getattr(usage.always, name)),
        limit="no limit" if limit >= UNLIMITED else words(limit),
        rule=found.rule.sources[name].sentence,
        asked=words(wished) if wished is not None else "",
    )
