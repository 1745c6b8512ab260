"""Logging set-up, and the filter that blanks what must never be written down."""

import logging
import re
from typing import Any

BLANKED = "[hidden]"
SECRETS = re.compile(
    r"(?P<head>[?&](?:code|state|id_token_hint|session_state)=|Bearer |(?:logout|id|access|refresh)_token=|"
    r"PVEAPIToken[= ][^=\s]+=|PVEAuthCookie=|vncticket=|grant\.|sessionid=|csrftoken=|"
    r"(?:/|%2F)(?:consoles(?:/|%2F)shared|renew)(?:/|%2F)|"
    r"[\"']?(?:password|ticket|token_value|secret|cipassword)[\"']?\s*[:=]\s*[\"']?)"
    r"(?P<secret>[^\s\"'&,;})]+)",
    re.IGNORECASE,
)
TICKET = re.compile(r"PVE(?:VNC)?:[^\s\"'&]*::[A-Za-z0-9+/=%]+")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def blank(text: str) -> str:
    """The text with tickets, tokens and passwords replaced and control characters made visible."""
    text = TICKET.sub(BLANKED, SECRETS.sub(lambda match: match["head"] + BLANKED, text))
    return CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


class BlankSecrets(logging.Filter):
    """Blanks secrets in the finished message, so that arguments are covered too."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = blank(record.getMessage()).replace("\n", "\\n"), ()
        return True


class PlainFormatter(logging.Formatter):
    """One line a record; a traceback follows, blanked as well."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 (logging's own name)
        return "\n".join(blank(line) for line in super().formatException(ei).splitlines())


def log_config(level: str) -> dict[str, Any]:
    """Django's LOGGING: everything to standard error, our loggers at `level`, talkative libraries at WARNING."""
    quiet = {"handlers": ["stderr"], "level": "WARNING", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"blank": {"()": BlankSecrets}},
        "formatters": {
            "plain": {"()": PlainFormatter, "format": "{asctime} {levelname} {name}: {message}", "style": "{"}
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "filters": ["blank"], "formatter": "plain"}},
        "root": {"handlers": ["stderr"], "level": level},
        # proxmoxer logs whole bodies at INFO; urllib3 logs URLs at DEBUG; daphne logs query strings at INFO.
        "loggers": dict.fromkeys(("proxmoxer", "urllib3", "daphne", "asyncio", "autobahn"), quiet),
    }
