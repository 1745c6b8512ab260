"""Plots and what a guest told, as a member meets them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.cast import Cast
from tests.factories import make_operation, make_reading, make_vm
from tests.sign_in import sign_in
from vms.models import Plot, VirtualMachine
from vms.states import OperationKind, OperationState, Power

GIB = 1024**3


def numbers() -> list[list[Any]]:
    """An hour, with a gap of ten minutes."""
    now = int(timezone.now().timestamp()) // 60 * 60
    found: list[list[Any]] = []
    for ago in range(60, 0, -1):
        values = [0.04, GIB, 2 * GIB, 2048.0, 1024.0, 0.0, 4096.0]
        found.append([now - ago * 60, *(values if not 20 < ago <= 30 else [None] * 7)])
    return found


@pytest.fixture
def web(cast: Cast) -> VirtualMachine:
    """A machine that runs, whose guest told, and whose numbers were read just now."""
    make_reading()
    now = timezone.now()
    guest = {"addresses": ["10.0.0.7"], "os": "Debian <12>", "read_at": now.isoformat(), "is_silent": False}
    vm = make_vm(cast.alices, "web-01", power=Power.RUNNING, guest=guest, login_user="debian")
    Plot.objects.create(vm=vm, span="hour", wanted_at=now, asked_at=now, read_at=now, rows=numbers())
    done = {"state": OperationState.SUCCEEDED, "finished_at": now - timedelta(minutes=25)}
    make_operation(vm, cast.alice, kind=OperationKind.REBOOT, **done)
    return vm


@pytest.fixture
def alice(cast: Cast, client: Client) -> Client:
    """Her browser."""
    sign_in(client, cast.alice)
    return client


def page(client: Client, path: str) -> str:
    """What the page says."""
    return client.get(path).content.decode()


def test_the_overview_offers_the_line_that_signs_in(alice: Client, web: VirtualMachine) -> None:
    text = page(alice, f"/vms/{web.pk}/")
    assert 'data-copy="ssh debian@10.0.0.7"' in text
    assert "Debian &lt;12&gt;" in text


def test_each_picture_says_in_words_what_it_shows(alice: Client, web: VirtualMachine) -> None:
    text = page(alice, f"/vms/{web.pk}/plots/")
    assert text.count('role="img"') == 4
    assert "CPU of its cores: now 4 %, least 4 %, most 4 % at" in text
    assert text.count("<line ") == 4  # the reboot, in each
    assert "style=" not in text


def test_a_gap_is_a_gap(alice: Client, web: VirtualMachine) -> None:
    text = page(alice, f"/vms/{web.pk}/plots/")
    paths = [part.split('"')[0] for part in text.split('<path d="')[1:]]
    assert [path.count("M") for path in paths] == [2] * 6


def test_the_same_numbers_as_a_table_and_as_csv(alice: Client, web: VirtualMachine) -> None:
    assert page(alice, f"/vms/{web.pk}/plots/?as=table").count("<td") == 60 * 6
    rows = page(alice, f"/vms/{web.pk}/plots/?as=csv").splitlines()
    assert (len(rows), rows[0].split(",")[:2]) == (61, ["time", "cpu"])
    assert rows[35].endswith(",,,,,,,")


def test_a_span_that_proxmox_does_not_know_is_no_address(alice: Client, web: VirtualMachine) -> None:
    assert alice.get(f"/vms/{web.pk}/plots/?span=eon").status_code == 404


def test_looking_asks_again_soon_only_while_nothing_was_read(alice: Client, web: VirtualMachine) -> None:
    assert "every 60s" in page(alice, f"/vms/{web.pk}/plots/")
    assert "every 2s" in page(alice, f"/vms/{web.pk}/plots/?span=day")
    assert Plot.objects.get(span="day").wanted_at is not None
