"""A refusal explains itself: what counts now, machine by machine, what would make room, and where to ask for more."""

import pytest
from django.conf import settings

from quotas.errors import QuotaExceeded
from tests.cast import Cast
from tests.factories import make_node, make_vm
from tests.vms.operations.growing import allow
from vms.models import Storage, VirtualMachine
from vms.operations import request_add_disk, request_autostart, request_grow_disk, request_resize
from vms.room import Explanation, explain
from vms.states import Power

DISK = {"is_cdrom": False, "is_cloud_init": False, "is_unused": False, "is_pending": False}


@pytest.fixture
def storage(db: None) -> str:
    """Where disks lie."""
    return Storage.objects.create(node=make_node(), name=settings.PROXMOX_VM_STORAGE, content="images").name


def machine(cast: Cast, name: str, cores: int, **columns: object) -> VirtualMachine:
    disks = [DISK | {"slot": "scsi0", "volume": f"shared:{name}", "size_bytes": 4 * 1024**3}]
    return make_vm(cast.alices, name, cores=cores, power=Power.RUNNING, hardware={"disks": disks}, **columns)


def why(cast: Cast, vm: VirtualMachine, ask: object, **asked: object) -> tuple[str, Explanation]:
    """The refusal's sentence, and what explains it."""
    with pytest.raises(QuotaExceeded) as refusal:
        ask(vm, by=cast.alice, address="192.0.2.7", key="the-key-0001", **asked)  # type: ignore[operator]
    return refusal.value.sentence, explain(cast.alices, refusal.value, growing=vm)


def test_a_refused_resize_names_the_others_that_would_make_room(cast: Cast) -> None:
    web, _db = machine(cast, "web", 2), machine(cast, "db", 4)
    allow(cores=8, memory_mib=None, disk_gib=None)

    sentence, found = why(cast, web, request_resize, cores=6, memory_mib=512)

    assert sentence == "This needs 4 cores; 2 of 8 are free."
    assert found.text == "Counted now: db (4 cores), web (2 cores). Stop db (4 cores) to make room."
    assert found.ask.endswith("?cores=10")


def test_the_machine_that_grows_is_never_told_to_stop_itself(cast: Cast) -> None:
    web = machine(cast, "web", 8)
    allow(cores=8, memory_mib=None, disk_gib=None)

    _sentence, found = why(cast, web, request_resize, cores=9, memory_mib=512)

    assert (found.counted, found.room) == ("Counted now: web (8 cores).", "")


def test_a_machine_that_starts_at_boot_counts_on_and_the_way_out_says_so(cast: Cast) -> None:
    web = machine(cast, "web", 2)
    machine(cast, "db", 4, start_at_boot=True)
    allow(cores=6, memory_mib=None, disk_gib=None)

    _sentence, found = why(cast, web, request_resize, cores=4, memory_mib=512)

    assert found.room == "Stop db (4 cores) to make room. Switch off start at boot of db, too."


@pytest.mark.parametrize("asks", ["add", "grow"])
def test_a_refused_disk_names_the_disks_that_count(cast: Cast, asks: str, storage: str) -> None:
    web, _db = machine(cast, "web", 1), machine(cast, "db", 1)
    allow(cores=None, memory_mib=None, disk_gib=9)
    growing = {"slot": "scsi0", "size_gib": 7} if asks == "grow" else {"size_gib": 3, "storage": storage}
    ask = request_grow_disk if asks == "grow" else request_add_disk

    sentence, found = why(cast, web, ask, **growing)

    assert sentence == "This needs 3 GiB of disk; 1 GiB of 9 GiB are free."
    assert found.text == "Counted now: db (4 GiB), web (4 GiB). Delete db (4 GiB) to make room."
    assert found.ask.endswith("?disk_gib=11")


def test_a_refused_start_at_boot_explains_itself_like_a_start(cast: Cast) -> None:
    web, _db = make_vm(cast.alices, "web", cores=4), machine(cast, "db", 4)
    allow(cores=6, memory_mib=None, disk_gib=None)

    sentence, found = why(cast, web, request_autostart, on=True)

    assert sentence == "This needs 4 cores; 2 of 6 are free."
    assert found.room == "Stop db (4 cores) to make room."
