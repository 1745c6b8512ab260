"""R-27: no address uses RTP power without a fresh proof. The addresses come from the URLconf, not from a list."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import pytest
from django.apps import apps
from django.core import serializers
from django.test import Client

from accounts import proof
from tests.access.addresses import Address, addresses
from tests.access.people import World, make_world
from tests.figures import figure
from tests.sign_in import sign_in

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

#: Addresses for RTPs that use no power over others: the proof itself, and putting an end to viewing as a member.
FREE = {"account_proof", "account_proof_house", "people:view_end", "admin:login", "admin:logout"}
NOBODYS = {"absent", "unbound", "poolless"}
#: What every request may write: sessions, and what counts tries.
VOLATILE = {"sessions.session", "usersessions.usersession", "admin.logentry"}


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def uses_power(address: Address) -> bool:
    """True where a POST can only be an RTP's: the page is for RTPs, or the machine is somebody else's."""
    if "POST" not in address.methods or address.name in FREE or address.thing == "absent":
        return False
    is_others = address.guard.startswith("vm.") and address.thing not in NOBODYS
    return address.guard in {"rtp", "admin"} or is_others


def rtp_addresses(world: World) -> list[Address]:
    """Each once."""
    found = {address.path: address for address in addresses(world) if uses_power(address)}
    return list(found.values())


def led_to_proof(answer: Answer) -> bool:
    """303 for a form, 403 with the address for a script."""
    if answer.status_code == 303:
        return answer.headers["Location"].startswith("/accounts/proof/?form=")
    is_json = answer.headers.get("Content-Type", "").startswith("application/json")
    return answer.status_code == 403 and is_json and answer.json()["code"] == "proof"


def everything() -> str:
    """A digest of every row there is."""
    digest = hashlib.sha256()
    for model in apps.get_models():
        if model._meta.label_lower not in VOLATILE and model._meta.managed:
            digest.update(serializers.serialize("json", model._base_manager.order_by("pk")).encode())
    return digest.hexdigest()


@pytest.mark.parametrize("session", ["no proof", "an old one", "somebody else's"])
def test_r27_every_rtp_address_refuses_without_a_fresh_proof(world: World, session: str) -> None:
    rita, alice = world.people["rita"], world.people["alice"]
    assert rita is not None
    assert alice is not None
    client = sign_in(Client(), rita, fresh=False)
    entry = {
        "no proof": None,
        "an old one": {"user": rita.pk, "at": time.time() - 901, "how": "test"},
        "somebody else's": {"user": alice.pk, "at": time.time(), "how": "test"},
    }[session]
    stored = client.session
    stored[proof.SESSION_KEY] = entry
    stored.save()
    wanted, before = rtp_addresses(world), everything()

    let_in = [a.path for a in wanted if not led_to_proof(client.post(a.path, {"confirm": "yes", "reason": "x"}))]

    figure("R-27", session, "urls", len(wanted), "refused", len(wanted) - len(let_in))
    assert len(wanted) >= 40
    assert let_in == []
    assert everything() == before


def test_the_addresses_hold_what_rtps_can_do(world: World) -> None:
    names = {address.name for address in rtp_addresses(world)}

    assert names > {"people:lock", "people:unlock", "people:sign_out", "people:view_as", "people:release",
                    "people:alarm_seen", "vms:settle", "vms:action/delete", "vms:dismiss", "consoles:grant",
                    "vms:lock", "vms:unlock", "admin:vms_virtualmachine_changelist"}  # fmt: skip


def test_r27_notices_an_address_without_the_guard(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control: with the guard taken out, all of them go through."""
    assert world.people["rita"] is not None
    client = sign_in(Client(raise_request_exception=False), world.people["rita"], fresh=False)
    wanted, before = rtp_addresses(world), everything()
    monkeypatch.setattr(proof, "has_proof", lambda request: True)

    led = [address.path for address in wanted if led_to_proof(client.post(address.path, {"reason": "x"}))]

    figure("R-27 control", "urls", len(wanted), "refused", len(led))
    assert led == []
    assert everything() != before


def test_no_proof_is_needed_to_look(world: World) -> None:
    assert world.people["rita"] is not None
    client = sign_in(Client(raise_request_exception=False), world.people["rita"], fresh=False)
    looked = {
        a.name: a.path for a in addresses(world) if "GET" in a.methods and a.name not in FREE and a.thing != "absent"
    }

    assert len(looked) >= 60
    assert [path for path in looked.values() if led_to_proof(client.get(path))] == []
