"""What the console's panel needs beside the machine."""

import json

from django import template

from accounts.models import User
from consoles.close_codes import table
from consoles.models import ConsoleVisit
from consoles.visits import open_visits

register = template.Library()


@register.simple_tag
def console_ends() -> str:
    """JSON of close code to sentence, for a `data-` attribute."""
    return json.dumps(table())


@register.filter
def amount(count: int) -> str:
    """'640 B', '12 KiB', '4.8 MiB', '1.2 GiB' of a number of bytes."""
    for unit, most in (("B", 1), ("KiB", 1024), ("MiB", 1024**2)):
        if count < 1024 * most:
            return f"{count / most:.1f}".removesuffix(".0") + f" {unit}"
    return f"{count / 1024**3:.1f}".removesuffix(".0") + " GiB"


@register.simple_tag
def open_consoles(user: User) -> list[ConsoleVisit]:
    """The person's own open consoles, newest first."""
    return list(open_visits(user))
