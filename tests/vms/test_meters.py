"""Meters say used, reserved and free in words; presets say what is missing."""

from quotas.errors import UNLIMITED
from quotas.footprint import Footprint
from vms.meters import meters
from vms.sizes import BY_KEY, why_not

LIMIT = Footprint(cores=8, memory_mib=8192, disk_gib=250, vms=UNLIMITED)


def test_used_held_and_free_add_up_to_the_limit() -> None:
    cpu, memory, disk = meters(used=Footprint(4, 5120, 92), held=Footprint(2, 2048, 20), limit=LIMIT)

    assert (cpu.used_text, cpu.of_text) == ("4", "of 8 cores")
    assert cpu.sentence == "2 cores free · 2 cores reserved for what is in progress"
    assert (cpu.used_percent, cpu.held_percent, cpu.is_high) == (50, 25, False)
    assert (memory.sentence, memory.is_high) == ("1 GiB free · 2 GiB reserved for what is in progress", True)
    assert disk.sentence == "138 GiB free · 20 GiB reserved for what is in progress"


def test_a_limit_cut_below_the_use_says_by_how_much() -> None:
    cpu = meters(used=Footprint(cores=9), held=Footprint(), limit=LIMIT)[0]

    assert cpu.sentence == "1 core over the limit"
    assert cpu.used_percent == 100


def test_no_limit_is_said_so() -> None:
    cpu = meters(used=Footprint(cores=9), held=Footprint(), limit=Footprint(*(UNLIMITED,) * 4))[0]

    assert (cpu.used_text, cpu.of_text, cpu.sentence) == ("9", "cores", "No limit")


def test_a_size_that_does_not_fit_says_which_number_decides() -> None:
    large = BY_KEY["large"].footprint(least_disk_gib=60)

    assert why_not(large, LIMIT) == ""
    assert why_not(large, Footprint(2, 8192, 250, 9)) == "Needs 4 cores; 2 free."
    assert why_not(large, Footprint(8, 1536, 250, 9)) == "Needs 4 GiB memory; 1.5 GiB free."
    assert why_not(large, Footprint(8, 8192, -3, 9)) == "Needs 60 GiB disk; 0 GiB free."
