"""What the console's panel needs beside the machine."""

import json

from django import template

from accounts.models import User
from consoles.close_codes import table
from consoles.models import ConsoleVisit
from consoles.visits import open_visits
from vms.rows import Button, Row
from vms.states import Action

#: What the bar above the screen offers; what removes a machine is asked for elsewhere.
POWER = (
    Action.START, Action.RESUME, Action.SHUTDOWN, Action.REBOOT, Action.SUSPEND, Action.RESET, Action.STOP,
)  # fmt: skip

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


@register.filter
def power(row: Row) -> list[Button]:
    """What the person can ask of the machine's power now."""
    return [button for button in row.possible if button.action in POWER]


@register.filter
def why_no_power(row: Row) -> str:
    """Why nothing of it can be asked now."""
    return next((button.reason for button in row.buttons if button.action in POWER), "")


@register.simple_tag
def open_consoles(user: User) -> list[ConsoleVisit]:
    """The person's own open consoles, newest first."""
    return list(open_visits(user))
