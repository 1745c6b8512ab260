"""What a person does on the way to a proof: reads the kept form, types password and code."""

import html
import re
import time
from typing import TYPE_CHECKING

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from tests.cast import FACTOR_SECRET, PASSWORD

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


def code(secret: str = FACTOR_SECRET) -> str:
    """What the app shows now."""
    shown: str = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    return shown


def prove(client: Client, url: str, **typed: str) -> "Answer":
    """Types password and code on the page of the proof."""
    return client.post(url, {"password": PASSWORD, "code": code()} | typed)


def kept_form(page: str) -> tuple[str, dict[str, str]]:
    """Address and fields of the form that goes on."""
    form = page[page.index('<form method="post" action="', page.index("<h1>")) :]
    form = form[: form.index("</form>")]
    action = html.unescape(form.split('action="')[1].split('"')[0])
    fields = {html.unescape(name): html.unescape(value) for name, value in HIDDEN.findall(form)}
    return action, {name: value for name, value in fields.items() if name != "csrfmiddlewaretoken"}
