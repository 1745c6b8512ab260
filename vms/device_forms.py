"""Forms about network cards and CD drives. They read, they never act."""

from typing import Any, ClassVar

from django import forms

from vms import parts
from vms.change_form import ChangeForm, choice_field
from vms.models import IsoImage
from vms.operations.drives import isos_for
from vms.operations.networks import bridges


class NicForm(ChangeForm):
    """A new network card."""

    bridge = forms.ChoiceField(label="Network", error_messages={"required": "Choose a network."})
    has_firewall = forms.BooleanField(
        label="Proxmox's firewall filters it", required=False, help_text="The rules are those the RTPs set in Proxmox."
    )

    def prepare(self) -> None:
        """Bridges the house allows, and the one it has."""
        field = choice_field(self, "bridge")
        field.choices = [(name, name) for name in dict.fromkeys([*bridges(), *self._held()])]
        field.error_messages["invalid_choice"] = "That network is not on offer any more. Choose another."

    def _held(self) -> list[str]:
        return []

    def now(self) -> dict[str, Any]:
        """The first bridge, filtered as the house likes it."""
        return {"bridge": next(iter(bridges()), "")}


class SetNicForm(NicForm):
    """One network card, changed. Its address, model and VLAN stay."""

    of_device = True
    is_link_down = forms.BooleanField(
        label="Unplugged", required=False, help_text="The guest sees its cable as pulled out."
    )

    def _held(self) -> list[str]:
        held = str(self._read().get("bridge") or "")
        return [held] if held else []

    def _read(self) -> dict[str, Any]:
        return parts.nic(self.vm, self.device.slot) if self.device else {}

    def now(self) -> dict[str, Any]:
        """As it is."""
        read = self._read()
        return {
            "bridge": read.get("bridge") or "",
            "has_firewall": bool(read.get("has_firewall")),
            "is_link_down": bool(read.get("is_link_down")),
        }


class IsoForm(ChangeForm):
    """Which ISO; none for an empty drive. Only those on offer."""

    iso_id = forms.TypedChoiceField(label="ISO", required=False, coerce=int, empty_value=None)
    empty: ClassVar[str] = "None: an empty drive"

    def prepare(self) -> None:
        """What members may use."""
        field = choice_field(self, "iso_id")
        offered = [(str(iso.pk), str(iso)) for iso in isos_for(self.vm)]
        field.choices = [("", self.empty), *offered] if self.empty else offered
        field.error_messages["invalid_choice"] = "That ISO is not on offer any more. Choose another."

    def now(self) -> dict[str, Any]:
        """The ISO of the drive; whoever inserts one chooses anew."""
        return {}

    def wished(self, wish: dict[str, Any]) -> dict[str, Any]:
        """The ISO by its number."""
        found = next((iso for iso in isos_for(self.vm) if iso.volid == wish.get("volid")), None)
        return {"iso_id": found.pk if found else None}

    def words(self, name: str, value: Any) -> str:
        """Its name."""
        found = IsoImage.objects.filter(pk=value).first() if str(value or "").isdecimal() else None
        return str(found) if found else (self.device.text if self.device else "empty")


class MountForm(IsoForm):
    """An ISO into a drive that is there."""

    of_device = True
    empty = ""

    def prepare(self) -> None:
        """One is needed."""
        super().prepare()
        self.fields["iso_id"].required = True
        self.fields["iso_id"].error_messages["required"] = "Choose an ISO."
