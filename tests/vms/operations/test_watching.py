"""What is read only to be shown: agents asked rarely, plots fetched while somebody looks."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Alarm
from tests.vms.operations.workshop import Workshop
from vms import guests, plots
from vms.cluster import cluster
from vms.models import Plot, VirtualMachine
from vms.ssh_line import ssh_line

AGENT_RIGHTS = ["VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted", "VM.Monitor"]
TELLS = {"addresses": ["fe80::1", "10.0.0.7", "2001:db8::7"], "os": "Debian GNU/Linux 12 (bookworm)"}


def with_agent(shop: Workshop, tells: dict[str, Any] | None = None) -> VirtualMachine:
    """A running machine with the agent flag; `tells`: what its agent answers, if it does."""
    vm = shop.machine(status="running", config={"agent": "1"})
    shop.cluster.control("PATCH", f"/guests/{vm.vmid}", {"agent_tells": tells or {}})
    VirtualMachine.objects.filter(pk=vm.pk).update(hardware={"has_agent": True}, login_user="debian")
    return fresh(vm)


def fresh(vm: VirtualMachine) -> VirtualMachine:
    """The row as it is now."""
    return VirtualMachine.objects.get(pk=vm.pk)


def test_a_guest_tells_its_addresses_and_its_system(shop: Workshop) -> None:
    vm = with_agent(shop, TELLS)
    assert guests.ask_guests(cluster(), timezone.now()) == 1
    told = fresh(vm).guest
    assert (told["addresses"], told["os"]) == (TELLS["addresses"], TELLS["os"])
    assert ssh_line("debian", told["addresses"]) == "ssh debian@10.0.0.7"


def test_a_guest_is_asked_every_five_minutes_and_a_silent_one_every_thirty(shop: Workshop) -> None:
    with_agent(shop, TELLS)
    silent = with_agent(shop)
    now = timezone.now()
    guests.ask_guests(cluster(), now)
    assert guests.due(now + timedelta(minutes=4)) == []
    assert silent not in guests.due(now + timedelta(minutes=6))
    assert len(guests.due(now + timedelta(minutes=6))) == 1
    assert silent in guests.due(now + timedelta(minutes=31))


def test_what_a_silent_guest_told_before_stays(shop: Workshop) -> None:
    vm = with_agent(shop, TELLS)
    now = timezone.now()
    guests.ask_guests(cluster(), now)
    shop.cluster.control("PATCH", f"/guests/{vm.vmid}", {"agent_tells": {}})
    guests.ask_guests(cluster(), now + timedelta(minutes=6))
    assert (fresh(vm).guest["addresses"], fresh(vm).guest["is_silent"]) == (TELLS["addresses"], True)


def test_a_hostile_guest_cannot_fill_a_page(shop: Workshop) -> None:
    many = [f"10.1.{n // 250}.{n % 250}" for n in range(2000)]
    tells = {"addresses": ["<script>", "10.0.0.7; rm -rf /", *many], "os": "Evil\n<b>" * 500}
    vm = with_agent(shop, tells)
    guests.ask_guests(cluster(), timezone.now())
    told = fresh(vm).guest
    assert (len(told["addresses"]), told["addresses"][0], len(told["os"])) == (16, "10.1.0.0", 80)
    assert "\n" not in told["os"]


def test_another_machine_in_the_slot_tells_nothing(shop: Workshop) -> None:
    vm = with_agent(shop, TELLS)
    shop.cluster.control("PATCH", f"/guests/{vm.vmid}", {"uuid": "00000000-0000-4000-8000-000000000001"})
    assert (guests.ask_guests(cluster(), timezone.now()), fresh(vm).guest) == (0, {})
    shop.cluster.control("PATCH", f"/guests/{vm.vmid}", {"uuid": str(vm.smbios_uuid)})


def test_a_refused_token_is_told_once_and_asked_an_hour_later(shop: Workshop) -> None:
    with_agent(shop, TELLS)
    shop.cluster.control("POST", "/faults", {"kind": "narrow_token", "privileges": AGENT_RIGHTS})
    guests.ask_guests(cluster(), timezone.now())
    before = cluster().line.requests
    guests.ask_guests(cluster(), timezone.now() + timedelta(minutes=10))
    assert cluster().line.requests == before
    assert [alarm.kind for alarm in Alarm.objects.all()] == ["agents"]


def test_a_plot_is_fetched_when_somebody_looks_and_kept_a_minute(
    shop: Workshop, django_capture_on_commit_callbacks: Any
) -> None:
    vm = shop.machine(status="running")
    now = timezone.now()
    with django_capture_on_commit_callbacks() as woken:
        for _look in range(3):
            plot = plots.look(vm, "hour", now)
    assert len(woken) == 1
    assert plots.fetch(cluster(), plot.pk, now)
    with django_capture_on_commit_callbacks() as woken:
        plots.look(vm, "hour", now + timedelta(seconds=59))
    assert (woken, Plot.objects.get().read_at is not None) == ([], True)
    with django_capture_on_commit_callbacks() as woken:
        plots.look(vm, "hour", now + timedelta(seconds=61))
    assert len(woken) == 1


def test_what_nobody_looks_at_is_not_fetched(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    plot = Plot.objects.create(vm=vm, span="hour", wanted_at=timezone.now() - timedelta(minutes=3))
    before = cluster().line.requests
    assert (plots.fetch(cluster(), plot.pk, timezone.now()), cluster().line.requests) == (False, before)


def test_a_machine_without_numbers_yet_says_so(shop: Workshop) -> None:
    vm = shop.machine(status="running", reported=False)
    plot = Plot.objects.create(vm=vm, span="hour", wanted_at=timezone.now())
    plots.fetch(cluster(), plot.pk, timezone.now())
    plot.refresh_from_db()
    assert (plot.rows, plot.note) == ([], plots.NO_DATA)


def test_numbers_of_who_sat_in_the_slot_before_are_left_out(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    later = timezone.now() + timedelta(minutes=50)
    VirtualMachine.objects.filter(pk=vm.pk).update(created_at=later, created_by=shop.cast.alice)
    plot = Plot.objects.create(vm=vm, span="hour", wanted_at=timezone.now())
    plots.fetch(cluster(), plot.pk, timezone.now())
    plot.refresh_from_db()
    assert plot.rows == []


def test_a_silent_proxmox_leaves_what_was_read(shop: Workshop) -> None:
    vm = shop.machine(status="running")
    row = [1_700_000_000, 0.5, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0]
    plot = Plot.objects.create(vm=vm, span="hour", wanted_at=timezone.now(), rows=[row])
    shop.cluster.control("POST", "/faults", {"kind": "node_down", "node": "pve1"})
    plots.fetch(cluster(), plot.pk, timezone.now())
    plot.refresh_from_db()
    assert (plot.rows, plot.note) == ([row], plots.NO_ANSWER)
