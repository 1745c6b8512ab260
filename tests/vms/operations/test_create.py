"""Creating machines against the stand-in."""

from accounts.models import AuditEvent
from quotas.footprint import Footprint
from quotas.states import ReservationState
from quotas.usage import figures
from tests.vms.operations.workshop import KEY, Workshop, state_of
from vms.operations import Size
from vms.states import Lifecycle, OperationState, Power


def test_a_clone_has_the_size_the_key_and_the_name_asked_for_and_runs(shop: Workshop) -> None:
    op = shop.work(shop.from_template(size=Size(cores=2, memory_mib=1024, disk_gib=5)))
    (guest,) = shop.made()

    assert state_of(op) == (OperationState.SUCCEEDED, "web-01 was created and is running.")
    assert (guest["name"], guest["status"], guest["pool"]) == ("web-01", "running", "alice")
    assert (guest["config"]["cores"], guest["config"]["memory"]) == ("2", "1024")
    assert "size=5G" in guest["config"]["scsi0"]
    assert guest["config"]["ciuser"] == "alice"
    assert (op.vm.lifecycle, op.vm.power, str(op.vm.smbios_uuid)) == (Lifecycle.READY, Power.RUNNING, guest["uuid"])
    assert KEY.split()[1] in guest["config"]["sshkeys"].replace("%2F", "/")


def test_a_machine_from_an_iso_has_the_uuid_we_chose(shop: Workshop) -> None:
    op = shop.from_iso()
    chosen = op.vm.smbios_uuid
    op = shop.work(op)
    (guest,) = shop.made()

    assert state_of(op) == (OperationState.SUCCEEDED, "web-01 was created and is running.")
    assert guest["uuid"] == str(chosen)
    assert "small-linux.iso" in guest["config"]["ide2"]


def test_room_is_reserved_at_once_and_counted_from_the_row_at_the_end(shop: Workshop) -> None:
    op = shop.from_template(size=Size(cores=2, memory_mib=1024, disk_gib=5))
    held = Footprint(cores=2, memory_mib=1024, disk_gib=5, vms=1)
    assert (figures(shop.cast.alices).held, figures(shop.cast.alices).used) == (held, Footprint())

    op = shop.work(op)

    assert op.reservation is not None
    assert op.reservation.state == ReservationState.SETTLED
    assert (figures(shop.cast.alices).held, figures(shop.cast.alices).used) == (Footprint(), held)


def test_request_and_end_are_written_down_with_who_and_from_where(shop: Workshop) -> None:
    op = shop.work(shop.from_iso())

    rows = AuditEvent.objects.filter(target_id=str(op.vm_id)).order_by("pk")
    assert [(row.verb, row.actor_name, row.address) for row in rows] == [
        ("vm.create", "alice", "192.0.2.7"),
        ("vm.create.succeeded", "alice", "192.0.2.7"),
    ]
