"""How often a password or a code may be tried. The database counts, so the count holds for all processes together.

A limit has places. Each try takes one for a while, and a place is a row that only one can have (accounts/spent.py):
of many tries at the same moment no more get through than there are places.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import SpentToken
from accounts.spent import spend_once


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` within `within_s` seconds for each key."""

    purpose: str
    tries: int
    within_s: float

    def take(self, key: str, now: datetime) -> bool:
        """True where the try may go on: it took a place."""
        places = {_hash(place): place for place in self._places(key)}
        taken = SpentToken.objects.filter(purpose=self.purpose, token_hash__in=places, expires_at__gte=now)
        busy = set(taken.values_list("token_hash", flat=True))
        free = (place for hashed, place in places.items() if hashed not in busy)
        return any(spend_once(self.purpose, place, for_s=self.within_s, now=now) for place in free)

    def give_back(self, key: str) -> None:
        """One place is free again: the try was no failure."""
        last = self._rows(key).order_by("-expires_at").first()
        if last is not None:
            last.delete()

    def clear(self, key: str) -> None:
        """All places are free again."""
        self._rows(key).delete()

    def _places(self, key: str) -> list[str]:
        return [f"{key}:{number}" for number in range(self.tries)]

    def _rows(self, key: str) -> QuerySet[SpentToken]:
        return SpentToken.objects.filter(purpose=self.purpose, token_hash__in=[_hash(p) for p in self._places(key)])


#: Wrong passwords. The first is what a person meets. The second stops many addresses that try one name, and is so
#: high that a stranger cannot easily keep the owner of a name out.
FROM_HERE = Limit("try.name.address", 5, 300)
BY_NAME = Limit("try.name", 100, 3600)
BY_ADDRESS = Limit("try.address", 30, 300)
#: Wrong codes of somebody whose password was right: in a row, and in a day.
CODES = Limit("try.code", 5, 300)
CODES_A_DAY = Limit("try.code.day", 50, 86_400)
#: Asking for a mail with a code.
RESETS_BY_NAME = Limit("reset.name", 3, 3600)
RESETS_BY_ADDRESS = Limit("reset.address", 20, 3600)
#: Codes typed on the pages of one-time links.
LINKS_BY_ADDRESS = Limit("link.address", 30, 300)


def may_try_password(name: str, address: str, now: datetime) -> bool:
    """Counts a try of a password before it is looked at; False: it must not be looked at."""
    name, near = name.casefold(), _near(address)
    limits = ((FROM_HERE, f"{name}|{near}"), (BY_ADDRESS, near), (BY_NAME, name))
    return all(limit.take(key, now) for limit, key in limits)


def password_was_right(name: str, address: str) -> None:
    """What this name failed from this address is forgotten; the rest only gets this try back.

    Otherwise somebody with an account of their own could try other names for ever.
    """
    name, near = name.casefold(), _near(address)
    FROM_HERE.clear(f"{name}|{near}")
    BY_ADDRESS.give_back(near)
    BY_NAME.give_back(name)


def may_try_code(user_id: int, now: datetime) -> bool:
    """Counts a try of a second factor's code before it is looked at; False: it must not be looked at."""
    return CODES.take(str(user_id), now) and CODES_A_DAY.take(str(user_id), now)


def code_was_right(user_id: int) -> None:
    """The person's wrong codes are forgotten."""
    CODES.clear(str(user_id))
    CODES_A_DAY.clear(str(user_id))


def may_ask_for_reset(name: str, address: str, now: datetime) -> bool:
    """Counts a request for a mail with a code."""
    return RESETS_BY_ADDRESS.take(_near(address), now) and RESETS_BY_NAME.take(name.casefold(), now)


def may_try_link(address: str, now: datetime) -> bool:
    """Counts a code typed on the page of a one-time link."""
    return LINKS_BY_ADDRESS.take(_near(address), now)


def _near(address: str) -> str:
    """The address, of IPv6 the /64 that one household or house has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)


def _hash(place: str) -> str:
    return hashlib.sha256(place.encode()).hexdigest()
