"""What the console's panel needs beside the machine."""

import json

from django import template

from consoles.close_codes import table

register = template.Library()


@register.simple_tag
def console_ends() -> str:
    """JSON of close code to sentence, for a `data-` attribute."""
    return json.dumps(table())
