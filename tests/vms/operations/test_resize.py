"""Cores, memory and start at boot: what is set, what waits, what is held, and what is refused in numbers."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from quotas.errors import QuotaExceeded
from quotas.footprint import Footprint
from quotas.usage import figures
from tests.vms.operations.growing import HUGE, allow, fresh, who
from tests.vms.operations.workshop import Workshop
from vms.models import Operation, VirtualMachine
from vms.operations import Refusal, request_autostart, request_resize
from vms.states import OperationState, Power


def resized(shop: Workshop, vm: VirtualMachine, cores: int, memory_mib: int, **asked: Any) -> Operation:
    return shop.work(request_resize(vm, cores=cores, memory_mib=memory_mib, **who(shop), **asked))


def test_a_stopped_machine_has_its_new_size_at_once(shop: Workshop) -> None:
    vm = shop.machine()

    op = resized(shop, vm, 2, 1536)

    assert (op.state, op.sentence) == (OperationState.SUCCEEDED, "web-01 has 2 cores and 1.5 GiB of memory.")
    guest = shop.cluster.all_guests()[vm.vmid or 0]["config"]
    assert (guest["cores"], guest["memory"]) == ("2", "1536")
    assert (fresh(vm).cores, fresh(vm).memory_mib, fresh(vm).pending_cores) == (2, 1536, None)


def test_a_running_machine_has_it_after_the_next_start_and_says_so(shop: Workshop) -> None:
    vm = shop.machine(status="running")

    op = resized(shop, vm, 2, 512)

    assert op.sentence == "2 cores are set; they hold after the next shut down and start."
    assert (fresh(vm).cores, fresh(vm).pending_cores) == (1, 2)
    assert figures(shop.cast.alices).used.cores == 2


def test_memory_alone_that_waits_is_told_alone(shop: Workshop) -> None:
    vm = shop.machine(status="running")

    op = resized(shop, vm, 1, 1024)

    assert op.sentence == "1 GiB of memory is set; it holds after the next shut down and start."


def test_only_the_difference_is_held_for_a_running_machine(shop: Workshop) -> None:
    vm = shop.machine(status="running", cores=2)
    VirtualMachine.objects.filter(pk=vm.pk).update(cores=2)

    request_resize(vm, cores=3, memory_mib=512, **who(shop))

    assert figures(shop.cast.alices).held == Footprint(cores=1)


def test_what_waits_already_is_not_held_again(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    resized(shop, vm, 4, 512)

    request_resize(fresh(vm), cores=5, memory_mib=512, **who(shop, "the-key-0002"))

    assert figures(shop.cast.alices).held == Footprint(cores=1)


def test_setting_the_size_in_force_takes_back_what_waits(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    resized(shop, vm, 4, 512)

    op = shop.work(request_resize(fresh(vm), cores=1, memory_mib=512, **who(shop, "the-key-0002")))

    assert op.sentence == "web-01 has 1 core and 0.5 GiB of memory."
    assert fresh(vm).pending_cores is None


def test_more_than_the_pool_has_is_refused_in_numbers_while_it_runs(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    allow(cores=2, memory_mib=None, disk_gib=None)

    with pytest.raises(QuotaExceeded) as refusal:
        request_resize(vm, cores=4, memory_mib=512, **who(shop))

    assert refusal.value.sentence == "This needs 3 cores; 1 of 2 are free."
    assert not Operation.objects.exists()


def test_a_stopped_machine_may_be_set_larger_than_the_pool_and_its_start_is_refused(shop: Workshop) -> None:
    vm = shop.machine()
    allow(cores=2, memory_mib=None, disk_gib=None)
    assert resized(shop, vm, 4, 512).state == OperationState.SUCCEEDED

    with pytest.raises(QuotaExceeded) as refusal:
        shop.ask(fresh(vm), "start")  # type: ignore[arg-type]  # the kind's value

    assert refusal.value.sentence == "This needs 4 cores; 2 of 2 are free."


def test_a_stopped_machine_counts_where_the_policy_counts_always(shop: Workshop) -> None:
    vm = shop.machine()
    allow(cores=2, memory_mib=None, disk_gib=None, counts_always=True)

    with pytest.raises(QuotaExceeded, match="This needs 3 cores; 1 of 2 are free"):
        request_resize(vm, cores=4, memory_mib=512, **who(shop))


@pytest.mark.parametrize(
    ("cores", "memory_mib", "sentence"),
    [
        (4, 512, "One VM may have 2 cores here; this asks for 4 cores."),
        (1, 4096, "One VM may have 2 GiB of memory here; this asks for 4 GiB."),
    ],
    ids=["cores", "memory"],
)
def test_one_machine_may_not_be_larger_than_its_policy_says(
    shop: Workshop, cores: int, memory_mib: int, sentence: str
) -> None:
    vm = shop.machine()
    allow(cores=None, memory_mib=None, disk_gib=None, vm_cores=2, vm_memory_mib=2048)

    with pytest.raises(Refusal, match=sentence):
        request_resize(vm, cores=cores, memory_mib=memory_mib, **who(shop))


@pytest.mark.parametrize("number", [-1, 0, 1.5, HUGE, True], ids=["negative", "zero", "fraction", "huge", "flag"])
def test_a_number_no_machine_can_have_is_refused_beside_its_field(shop: Workshop, number: Any) -> None:
    vm = shop.machine()

    with pytest.raises(Refusal) as of_cores:
        request_resize(vm, cores=number, memory_mib=512, **who(shop))
    with pytest.raises(Refusal) as of_memory:
        request_resize(vm, cores=1, memory_mib=number, **who(shop))

    assert of_cores.value.sentence == "Cores must be a whole number from 1 to 128."
    assert (of_cores.value.field, of_memory.value.field) == ("cores", "memory_mib")


def test_what_was_changed_elsewhere_is_never_overwritten(shop: Workshop) -> None:
    vm = shop.machine()
    resized(shop, vm, 2, 512)
    op = request_resize(vm, cores=3, memory_mib=512, digest=fresh(vm).config_digest, **who(shop, "the-key-0002"))
    shop.cluster.change(vm.vmid or 0, config={"cores": "8"})

    op = shop.work(op)

    assert op.state == OperationState.FAILED
    assert "It was changed elsewhere meanwhile." in op.sentence
    assert (fresh(vm).cores, figures(shop.cast.alices).held) == (8, Footprint())


def test_an_older_page_is_refused_before_anything_is_sent(shop: Workshop) -> None:
    vm = shop.machine()
    resized(shop, vm, 2, 512)

    with pytest.raises(Refusal, match="It was changed elsewhere meanwhile"):
        request_resize(vm, cores=3, memory_mib=512, digest="0" * 40, **who(shop, "the-key-0002"))


@pytest.mark.parametrize("kind", ["lose_before", "lose_after", "cut_mid_answer"])
def test_a_lost_answer_is_found_out_by_looking(shop: Workshop, kind: str) -> None:
    vm = shop.machine()

    with shop.cluster.fault(kind, method="PUT", path_regex=r"/qemu/\d+/config$", times=1):
        op = resized(shop, vm, 2, 1024)

    assert op.sentence == "web-01 has 2 cores and 1 GiB of memory."
    assert len(shop.cluster.effects("configure")) == 1


def test_an_operator_of_the_pool_may_not_resize(shop: Workshop) -> None:
    vm = shop.machine(pool=shop.cast.shared)

    with pytest.raises(PermissionDenied):
        request_resize(vm, cores=2, memory_mib=512, **(who(shop) | {"by": shop.cast.carol}))


def test_start_at_boot_counts_from_the_moment_it_is_on(shop: Workshop) -> None:
    vm = shop.machine()

    op = request_autostart(vm, on=True, **who(shop))
    held = figures(shop.cast.alices).held
    op = shop.work(op)

    assert held == Footprint(cores=1, memory_mib=512)
    assert op.sentence == "web-01 starts when its node starts. Its CPU and memory count from now on."
    assert (fresh(vm).start_at_boot, fresh(vm).power) == (True, Power.STOPPED)
    assert figures(shop.cast.alices).used.cores == 1


def test_start_at_boot_is_refused_where_there_is_no_room(shop: Workshop) -> None:
    vm = shop.machine(cores=4)
    VirtualMachine.objects.filter(pk=vm.pk).update(cores=4)
    allow(cores=2, memory_mib=None, disk_gib=None)

    with pytest.raises(QuotaExceeded, match="This needs 4 cores; 2 of 2 are free"):
        request_autostart(vm, on=True, **who(shop))


def test_start_at_boot_that_goes_off_frees_what_a_stopped_machine_counted(shop: Workshop) -> None:
    vm = shop.machine()
    shop.work(request_autostart(vm, on=True, **who(shop)))

    op = shop.work(request_autostart(fresh(vm), on=False, **who(shop, "the-key-0002")))

    assert op.sentence == "web-01 does not start by itself when its node starts."
    assert figures(shop.cast.alices).used.cores == 0
