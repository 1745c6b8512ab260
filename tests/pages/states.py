"""A page in one of its states."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from accounts.models import User


@dataclass(frozen=True)
class PageState:
    """A page in one of its states: who looks, where, and what they did there before it is judged."""

    name: str
    who: User | None
    path: str
    then: Callable[[Page], None] | None = None
