"""What a hostile case of R-25 is, and the usual ways to make one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_django import Settings

from accounts.models import User
from tests.accounts.oidc.browser import Browser, member
from tests.providers.hostile import FIRST, Answer, HostileProvider

FIVE_MINUTES = 300


@dataclass(frozen=True)
class Stage:
    """A lying house, a portal with the row that the directory made for alice, and her browser."""

    house: HostileProvider
    settings: Settings
    alice: User
    browser: Browser

    @classmethod
    def set(cls, house: HostileProvider, settings: Settings) -> "Stage":
        """Everything new and honest."""
        return cls(house, settings, member(), Browser(house))


@dataclass(frozen=True)
class Case:
    """One attempt."""

    name: str
    run: Callable[[Stage], bool]


def gets_in(stage: Stage) -> bool:
    """Somebody signs in with what the house says now."""
    stage.browser.sign_in()
    return stage.browser.user() is not None


def by_token(name: str, **claims: Any) -> Case:
    """An ID token with these claims; None takes one out."""
    return Case(name, lambda stage: stage.house.id_token.update(claims) or gets_in(stage))


def by(name: str, lie: Callable[[Stage], object]) -> Case:
    """The sign-in after this lie was arranged."""

    def run(stage: Stage) -> bool:
        lie(stage)
        return gets_in(stage)

    return Case(name, run)


def by_header(name: str, signer: bytes | None = None, **header: Any) -> Case:
    """An ID token with this header, signed with the provider's key or with `signer` as a secret."""

    def lie(stage: Stage) -> None:
        stage.house.header, stage.house.signer = header, signer

    return by(name, lie)


def by_claims(name: str, **claims: Any) -> Case:
    """Somebody whom the house describes so."""
    return by(name, lambda stage: stage.house.person(**{"sub": "sub-eve", **claims}))


def by_answer(name: str, path: str, answer: Answer) -> Case:
    """The house answers this address so."""
    return by(name, lambda stage: stage.house.answers.update({path: answer}))


def like_first(key: Any) -> Any:
    """The key under the id of the published one."""
    return type(key)(key.private, FIRST.kid)
