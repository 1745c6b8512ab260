"""The number every form carries, so that sending it twice does it once. It tells the page's age (RFC 9562, 5.7)."""

import secrets
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)
MS_DIGITS, VERSION = 12, "7"


def new_key(now: datetime) -> str:
    """32 hexadecimal digits: milliseconds since 1970, a 7, and 76 bits nobody can guess."""
    return f"{(now - EPOCH) // MS:0{MS_DIGITS}x}{VERSION}{secrets.token_hex(10)[:19]}"


def made_at(key: str) -> datetime | None:
    """When the page with this form was made, to the millisecond; None for a key that does not tell."""
    if len(key) != 32 or key[MS_DIGITS] != VERSION:
        return None
    try:
        return EPOCH + int(key[:MS_DIGITS], 16) * MS
    except (ValueError, OverflowError):
        return None
