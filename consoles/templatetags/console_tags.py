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


@register.simple_tag
def open_consoles(user: User) -> list[ConsoleVisit]:
    """The person's own open consoles, newest first."""
    return list(open_visits(user))
