"""R-29: every URL by every person, every kind of thing and every method, from a data file."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from http.cookies import SimpleCookie
from itertools import count
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from django.test import Client

from tests.access.addresses import METHODS, TABLE, Address, addresses, patterns, row_for
from tests.access.people import World, make_world, operation_count
from tests.figures import figure
from tests.sign_in import sign_in
from tests.unwatched import nth_try
from vms import access

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

RANKS = ("look", "operate", "manage")
#: Not signed in, not active, locked.
KEPT_OUT = {"anonymous", "ian", "lou"}
LEFT = {"dora"}
REFUSED = {401, 403, 404, 405}
#: Pages of libraries also refuse those who may come in, where there is nothing to do (no factor yet, read-only).
LIBRARIES = ("admin:", "mfa_", "usersessions_", "account_logout", "account_login", "account_reauthenticate")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of refusals are meant; their log lines would only cost time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def right_of(person: str, thing: str) -> int:
    """The rank of this person's right to that kind of thing; -1 for none."""
    right = TABLE["rights"].get(thing, {}).get(person)
    return RANKS.index(right) if right else -1


def may(person: str, address: Address) -> bool:
    """What the data file says."""
    signed_in = person not in KEPT_OUT
    match address.guard.partition("."):
        case ("public", _, _):
            return True
        case ("person", _, _):
            return signed_in
        case ("house", _, _):
            return signed_in and person not in LEFT
        case ("vm", _, "run"):
            return signed_in and person not in LEFT and right_of(person, address.thing) >= RANKS.index("operate")
        case ("vm", _, "change"):
            return signed_in and person not in LEFT and right_of(person, address.thing) >= RANKS.index("manage")
        case ("vm", _, "screen"):
            is_ours = address.thing not in {"unbound", "poolless"}
            return signed_in and is_ours and right_of(person, address.thing) >= RANKS.index("look")
        case ("rtp" | "admin", _, _):
            return person == "rita" and address.thing != "absent"
        case ("asked", _, _) if person == "rita":
            return address.thing != "absent"
        case ("own" | "asked", _, _):
            return person == address.thing.removesuffix("s")
        case (_, _, right):
            return signed_in and right_of(person, address.thing) >= RANKS.index(right)


def may_look(person: str, address: Address) -> bool:
    """Whether this person may know that the thing exists."""
    return not address.guard.startswith("vm.") or right_of(person, address.thing) >= 0


def client_of(world: World, person: str) -> Client:
    client = Client(raise_request_exception=False)
    user = world.people[person]
    if user is not None:
        sign_in(client, user)
    return client


def is_sign_in(response: Answer) -> bool:
    return (
        response.status_code == 302 and re.match(r"/(accounts|admin)/login/\?next=", response["Location"]) is not None
    )


def wrong(person: str, address: Address, method: str, response: Answer) -> str:
    """Why this answer is wrong; empty when it is right."""
    status, text = response.status_code, response.content.decode(errors="replace")
    if status >= 500 and address.name != "healthz":
        return "broke"
    if not may_look(person, address) and f"{address.thing}-canary" in text:
        return "names what is not theirs"
    refused = status in REFUSED or is_sign_in(response)
    if not may(person, address) and not refused:
        return f"answered {status}"
    offered = method in address.methods and not address.name.startswith(LIBRARIES)
    if may(person, address) and offered and status in {401, 403, 404, 405}:
        return f"refused {status}"
    took = status < 300 or (status < 400 and "vm." in address.guard)  # allauth redirects first, whatever the method
    if took and method not in (*address.methods, "HEAD", "OPTIONS"):
        return f"took {method}"
    return ""


def cells(world: World) -> Iterator[tuple[str, Address, str, Answer]]:
    """Every cell of the matrix with its answer; nothing a cell does lasts."""
    tries = count()
    for person in world.people:
        client = client_of(world, person)
        cookies = client.cookies.output(header="")
        for address in addresses(world):
            for method in methods_for(person, address):
                client.cookies = SimpleCookie(cookies)
                with nth_try(next(tries)):
                    answer = undone(client, method, address.path)
                yield person, address, method, answer


def methods_for(person: str, address: Address) -> tuple[str, ...]:
    """Those that read and write by everybody, the others by a few: which methods there are is nobody's right.

    Libraries' pages know no pools: there a role in one makes no difference.
    """
    if person in {"dora", "lou"} or address.thing in {"doras", "lous"}:
        return ("GET",) if address.name.startswith(LIBRARIES) else ("GET", "POST")
    if address.name.startswith(LIBRARIES):
        return METHODS[:3] if person in {"anonymous", "alice", "ian", "rita"} else ()
    return METHODS if person in {"anonymous", "alice", "bob", "rita"} else METHODS[:3]


def undone(client: Client, method: str, path: str) -> Answer:
    """The answer of a request whose every write is taken back."""
    with transaction.atomic():
        response = client.generic(method, path)
        transaction.set_rollback(True)
    return response


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_r29_nobody_reaches_what_is_not_theirs(world: World) -> None:
    before, tried = operation_count(), 0
    leaks = []
    for person, address, method, response in cells(world):
        tried += 1
        if why := wrong(person, address, method, response):
            leaks.append(f"{person} {method} {address.path} ({address.thing}): {why}")

    figure("R-29", "cells", tried, "leaks", len(leaks))
    assert tried >= 2_500
    assert leaks == []
    assert operation_count() >= before


def test_a_url_without_a_row_fails() -> None:
    assert [name for name, _route in patterns() if row_for(name) is None] == []


def test_every_row_still_has_a_url() -> None:
    names = {name for name, _route in patterns()}
    unused = [key for key in TABLE["urls"] if not key.endswith("*") and key.partition("/")[0] not in names]

    assert unused == []


def test_the_matrix_notices_a_missing_check(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "may", lambda *_: True)
    bobs = [a for a in addresses(world) if a.thing == "bobs" and a.guard.startswith("vm.") and "GET" in a.methods]

    answers = [(a, client_of(world, "alice").get(a.path)) for a in bobs]

    assert bobs
    assert [a.name for a, answer in answers if not wrong("alice", a, "GET", answer)] == []


@pytest.mark.parametrize("person", ["anonymous", "bob", "eve", "ian", "dora", "lou"])
def test_foreign_and_missing_look_alike(world: World, person: str) -> None:
    for address in addresses(world):
        if address.thing != "shared":
            continue
        foreign = face(client_of(world, person).get(address.path), world.vms["shared"])
        missing_path = address.path.replace(f"/{world.vms['shared']}/", f"/{world.vms['absent']}/")
        missing = face(client_of(world, person).get(missing_path), world.vms["absent"])

        assert foreign == missing, address.path


def face(response: Answer, pk: int) -> tuple[int, str, dict[str, str]]:
    """What a person sees of an answer, one-time values and the number they typed left out."""
    text = re.sub(
        r'("csrfmiddlewaretoken" value|name="csrf-token" content|data-csrf)="[^"]*"', "", response.content.decode()
    )
    headers = {
        name: value for name, value in response.items() if name not in {"Set-Cookie", "Content-Length", "Expires"}
    }
    return response.status_code, text.replace(str(pk), "N"), {k: v.replace(str(pk), "N") for k, v in headers.items()}
