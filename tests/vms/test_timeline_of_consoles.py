"""What happened in consoles reads as plain words in the activity, rows of before there were modes included."""

from typing import Any

import pytest
from django.test import Client

from accounts import audit
from consoles.close_codes import ENDS
from consoles.modes import Mode
from consoles.visits import LOST
from tests.cast import Cast
from tests.factories import make_vm
from vms import timeline
from vms.console_words import ENDS as END_WORDS
from vms.console_words import MODES, lasted

TOLD: list[tuple[str, dict[str, Any], str, str]] = [
    ("opened", {"visit": 1, "view_only": False}, "Opened the console of web-01", ""),
    ("opened", {"visit": 1, "view_only": True}, "Opened the console of web-01", "To look at only"),
    ("opened", {"visit": 1, "mode": "control"}, "Opened the console of web-01", ""),
    ("opened", {"visit": 1, "mode": "watch"}, "Opened the console of web-01", "Watches"),
    ("closed", {"seconds": 754, "end": "left"}, "Was in the console of web-01", "12 min. Left"),
    ("closed", {"seconds": 7500, "end": "idle"}, "Was in the console of web-01", "2 h 5 min. Idle"),
    ("closed", {"seconds": 5, "end": "by_rtp", "reason": "pve1 goes down"}, "Was in the console of web-01",
     "5 s. Ended by an RTP: pve1 goes down"),
    ("ended", {"visit": 1}, "Ended a console of web-01", ""),
    ("ended", {"person": "alice"}, "Ended a console of web-01", ""),
    ("ended", {"person": "bob", "reason": "Maintenance"}, "Ended a console of web-01", "That of bob: Maintenance"),
    ("shared", {"guest": "bob"}, "Made a link to the console of web-01", ""),
]  # fmt: skip


@pytest.mark.parametrize("told", TOLD, ids=[f"{n}-{row[0]}" for n, row in enumerate(TOLD)])
def test_every_verb_reads_as_a_sentence(cast: Cast, client: Client, told: tuple[str, dict[str, Any], str, str]) -> None:
    verb, detail, what, note = told
    vm = make_vm(cast.alices, "web-01")
    audit.record(
        actor=cast.alice, verb=f"console.{verb}", target_kind="vm", target_id=vm.pk, target_name=vm.name, **detail
    )

    entry = timeline.of_machine(vm).object_list[0]

    assert (entry.what, entry.note, entry.who) == (what, note, "alice")
    client.force_login(cast.alice)
    assert what in client.get(f"/vms/{vm.pk}/activity/").content.decode()


def test_every_end_and_every_mode_has_its_words() -> None:
    assert {end.word for end in ENDS} | {LOST} == set(END_WORDS)
    assert {mode.value for mode in Mode} == set(MODES)
    assert [lasted(seconds) for seconds in (0, 59, 60, 3599, 3600, 3660)] == [
        "0 s", "59 s", "1 min", "59 min", "1 h", "1 h 1 min",
    ]  # fmt: skip
