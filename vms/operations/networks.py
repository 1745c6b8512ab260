"""Network cards: add, change, remove. A card is known by its address; a change keeps it."""

import secrets
from typing import Any, Unpack

from django.conf import settings

from vms.cluster import Cluster
from vms.cluster.types import GuestChanges, GuestConfig, NicFacts, NicWish
from vms.models import Operation, VirtualMachine
from vms.operations import base, words
from vms.operations.errors import Refusal
from vms.operations.hardware import Setting, SettingVerb, Who, ask, held, nics_of
from vms.operations.steps import Broken
from vms.states import OperationKind

MOST_SLOTS = 32


class _Nic(Setting):
    """A change of the card `wish["slot"]` with the address `wish["mac"]`."""

    def keys(self, op: Operation) -> tuple[str, ...]:
        return (op.wish["slot"],) if "slot" in op.wish else ()

    def card(self, op: Operation, config: GuestConfig) -> NicFacts | None:
        """The card that is meant, unless it is gone or leaving."""
        found = (nic for nic in config.nics if nic.mac == op.wish["mac"] and not nic.is_leaving)
        return next(found, None)

    def is_like(self, op: Operation, nic: NicFacts) -> bool:
        """Whether the card is set as wished."""
        now = (nic.bridge, nic.has_firewall, nic.is_link_down)
        return now == (op.wish["bridge"], op.wish["has_firewall"], op.wish["is_link_down"])

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        wish = op.wish
        return GuestChanges(
            nic=NicWish(wish["slot"], wish["bridge"], wish["mac"], wish["has_firewall"], wish["is_link_down"])
        )


class AddNic(_Nic):
    """A card more. The portal makes its address, which shows afterwards whether it was added."""

    label = "Add the network card"

    def prepare(self, op: Operation, cluster: Cluster) -> dict[str, Any] | Broken:
        """The first free slot, saved before it is used."""
        config = self.config(op, cluster)
        if self.card(op, config) is None:
            slot = _free_slot(config)
            if slot is None:
                return Broken(words.did_not(op, _too_many()))
            base.write(op, wish={**op.wish, "slot": slot})
        return super().prepare(op, cluster)

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """A card with our address."""
        return self.card(op, config) is not None

    def told(self, op: Operation) -> str:
        """Which slot it took."""
        return f"{op.vm.name} has a new network card, {op.wish['slot']}."


class SetNic(_Nic):
    """Another network, firewall or link for a card."""

    label = "Change the network card"

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """As wished, now or with the next start."""
        card = self.card(op, config)
        return card is not None and self.is_like(op, card)

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """Only while the slot holds the card that was seen."""
        card = self.card(op, config)
        if card is None or card.slot != op.wish["slot"]:
            return self.gone_elsewhere(op, f"{op.wish['slot']} is another network card now.")
        return super().changes(op, config)

    def told(self, op: Operation) -> str:
        """Which one."""
        return f"The network card {op.wish['slot']} of {op.vm.name} was changed."


class DropNic(_Nic):
    """A card less."""

    label = "Remove the network card"

    def is_set(self, op: Operation, config: GuestConfig) -> bool:
        """No card has the address any more, or it goes with the next start."""
        return self.card(op, config) is None

    def changes(self, op: Operation, config: GuestConfig) -> GuestChanges | Broken:
        """Only while the slot holds the card that was seen."""
        card = self.card(op, config)
        if card is None or card.slot != op.wish["slot"]:
            return self.gone_elsewhere(op, f"{op.wish['slot']} is another network card now.")
        return GuestChanges(remove=(card.slot,))

    def told(self, op: Operation) -> str:
        """Which one."""
        return f"The network card {op.wish['slot']} of {op.vm.name} was removed."


def _free_slot(config: GuestConfig) -> str | None:
    taken = {nic.slot for nic in config.nics}
    if len(taken) >= settings.MOST_NICS:
        return None
    return next((f"net{n}" for n in range(MOST_SLOTS) if f"net{n}" not in taken), None)


def _too_many() -> str:
    return f"One VM may have {settings.MOST_NICS} network cards."


NETWORKS = {
    OperationKind.ADD_NIC: SettingVerb(OperationKind.ADD_NIC, AddNic()),
    OperationKind.SET_NIC: SettingVerb(OperationKind.SET_NIC, SetNic()),
    OperationKind.DROP_NIC: SettingVerb(OperationKind.DROP_NIC, DropNic()),
}


def request_add_nic(
    vm: VirtualMachine, *, bridge: str, has_firewall: bool = False, digest: str = "", **who: Unpack[Who]
) -> Operation:
    """Asks for a network card on one of PROXMOX_BRIDGES. Fields: bridge."""

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        if len(nics_of(fresh)) >= settings.MOST_NICS:
            raise Refusal(_too_many(), "bridge")
        wish = {"bridge": _allowed(bridge), "has_firewall": bool(has_firewall), "is_link_down": False}
        return {**wish, "mac": new_mac()}

    return ask(vm, NETWORKS[OperationKind.ADD_NIC], plan, digest, who)


def request_set_nic(
    vm: VirtualMachine,
    *,
    slot: str,
    bridge: str,
    has_firewall: bool,
    is_link_down: bool,
    digest: str = "",
    **who: Unpack[Who],
) -> Operation:
    """Asks for another network, firewall or link of a card. Fields: slot, bridge."""

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        card = held(nics_of(fresh), slot, "network card")
        kept = bridge if bridge == card["bridge"] else _allowed(bridge)
        wish = {"bridge": kept, "has_firewall": bool(has_firewall), "is_link_down": bool(is_link_down)}
        return {**wish, "slot": slot, "mac": card["mac"]}

    return ask(vm, NETWORKS[OperationKind.SET_NIC], plan, digest, who)


def request_drop_nic(vm: VirtualMachine, *, slot: str, digest: str = "", **who: Unpack[Who]) -> Operation:
    """Asks for a card to be removed. Fields: slot."""

    def plan(fresh: VirtualMachine) -> dict[str, Any]:
        return {"slot": slot, "mac": held(nics_of(fresh), slot, "network card")["mac"]}

    return ask(vm, NETWORKS[OperationKind.DROP_NIC], plan, digest, who)


def bridges() -> tuple[str, ...]:
    """Networks that members may choose, the one of new machines first."""
    return tuple(dict.fromkeys([settings.PROXMOX_BRIDGE, *settings.PROXMOX_BRIDGES]))


def _allowed(bridge: str) -> str:
    if bridge not in bridges():
        raise Refusal(f"Choose one of these networks: {', '.join(bridges())}.", "bridge")
    return bridge


def new_mac() -> str:
    """An address of Proxmox's own range."""
    return "BC:24:11:" + ":".join(f"{secrets.randbelow(256):02X}" for _ in range(3))
