"""U-04: what is sent twice happens once: double click, a second tab, back and sent again."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, PoolMembership
from accounts.roles import Role
from tests.figures import add_to_figure
from tests.sign_in import sign_in
from tests.vms.operations.bench import Bench
from tests.vms.operations.changes import RICH, prepare
from tests.vms.operations.workshop import Workshop
from vms.change_table import PAGES
from vms.form_keys import new_key
from vms.models import Operation
from vms.operations import request_snapshot, request_trash
from vms.states import OperationKind, OperationState
from vms.verbs import MENU, fact


@dataclass
class Form:
    """One form of one page."""

    kind: str
    path: str
    told: dict[str, Any] = field(default_factory=dict)


def changed(kind: str, **told: Any) -> Form:
    return Form(kind, f"change/{kind}/", told)


def acted(kind: str, **told: Any) -> Form:
    return Form(kind, f"actions/{kind}/", {"confirm": "yes"} | told)


FORMS = (
    changed("resize", size="exact", cores="2", memory_gib="1"), changed("autostart", on="1"),
    changed("grow_disk", slot="scsi0", size_gib="6"), changed("add_disk", size_gib="2"),
    changed("detach_disk", slot="scsi1"), changed("drop_disk", slot="unused0"), changed("add_nic", bridge="vmbr0"),
    changed("set_nic", slot="net1", bridge="vmbr0", is_link_down="on"), changed("drop_nic", slot="net1"),
    changed("add_drive"), changed("drop_drive", slot="ide2"), changed("mount", slot="ide2"),
    changed("eject", slot="sata0"), changed("boot_order", order="ide2,scsi0"), changed("display", display="virtio"),
    changed("agent", on="1"), changed("rename", name="db-01"), changed("notes", text="new"),
    changed("tags", tags="web new"), changed("undo", keys="vga"), Form("apply", "apply/"),
    acted("start"), acted("resume"), acted("shutdown"), acted("stop"), acted("suspend"), acted("delete", name="web-01"),
    acted("reboot"), acted("reset"), acted("trash"), acted("restore"),
    Form("snapshot", "snapshots/take/", {"name": "clean"}),
    Form("roll_back", "snapshots/kept/roll-back/", {"confirm": "yes"}),
    Form("drop_snapshot", "snapshots/kept/delete/", {"confirm": "yes"}), Form("move", "move/"),
)  # fmt: skip
BEFORE: dict[str, str] = {"start": "stopped", "resume": "paused", "delete": "stopped", "trash": "stopped",
                          "restore": "stopped"}  # fmt: skip


def test_every_action_with_a_page_is_tried() -> None:
    """One that is added later has to be added here, too."""
    assert {form.kind for form in FORMS} == {str(kind) for kind in OperationKind} - {"create"}
    assert {str(kind) for kind in PAGES} | {str(kind) for kind in MENU} <= {form.kind for form in FORMS}


@pytest.fixture
def alice(shop: Workshop, client: Client) -> Client:
    client.force_login(shop.cast.alice)
    return client


@pytest.mark.parametrize("form", FORMS, ids=[form.kind for form in FORMS])
def test_what_is_sent_twice_happens_once(form: Form, shop: Workshop, alice: Client) -> None:
    bench = ready(shop, form)
    send = sender(alice, bench, form)
    sent_before = Operation.objects.count()

    first, tab, later = (new_key(timezone.now()) for _ in range(3))
    for key in (first, first, tab):
        send(key)
    shop.work_all()
    effects = len(shop.cluster.effects())
    for key in (first, later):
        send(key)
    shop.work_all()

    repeated = len(shop.cluster.effects()) - effects
    add_to_figure("U-04", actions=1, sends=5, repeated=repeated)
    assert (Operation.objects.count() - sent_before, repeated) == (1, 0)


def test_the_counter_sees_what_happens_twice(shop: Workshop, alice: Client) -> None:
    """Control: the same wish from a fresh page each time, each after the other has ended."""
    form = acted("reboot")
    bench = ready(shop, form)
    for _ in range(3):
        sender(alice, bench, form)(new_key(timezone.now()))
        shop.work_all()

    assert len(shop.cluster.effects("reboot")) == 3


@pytest.mark.parametrize(
    "form",
    [acted("reboot"), acted("delete", name="web-01"), changed("tags", tags="web")],
    ids=["reboot", "delete", "tags"],
)
def test_what_was_done_already_says_when_and_leads_there(form: Form, shop: Workshop, alice: Client) -> None:
    """Back, and sent again, after it has ended: whatever it was, also where the machine is gone with it."""
    bench = ready(shop, form)
    told = {"digest": bench.row.config_digest} | form.told | {"key": new_key(timezone.now())}
    for _ in range(2):
        page = alice.post(f"/vms/{bench.vm.pk}/{form.path}", told, follow=True).content.decode()
        shop.work_all()

    made = Operation.objects.get(kind=form.kind)
    assert f"This was done already at {timezone.localtime(made.finished_at):%H:%M}." in page
    assert f'href="/vms/{bench.vm.pk}/operations/{made.pk}/">See how it went' in page
    assert Operation.objects.count() == 1


#: What neither the machine's state nor a name refuses a second time.
REPEATABLE = [form for form in FORMS if form.kind in {
    "reboot", "reset", "roll_back", "add_disk", "add_nic", "add_drive",
}]  # fmt: skip


@pytest.mark.parametrize("form", REPEATABLE, ids=[form.kind for form in REPEATABLE])
def test_without_scripts_the_same_from_a_fresh_page_is_asked_about_first(
    form: Form, shop: Workshop, alice: Client
) -> None:
    bench = ready(shop, form)
    send = plain_sender(alice, bench, form)
    first = send()
    shop.work_all()
    done = len(shop.cluster.effects())

    asked = send()
    shop.work_all()

    repeated = len(shop.cluster.effects()) - done
    add_to_figure("U-04 without scripts", actions=1, sends=2, repeated=repeated)
    assert (first.status_code, asked.status_code, done > 0, repeated) == (302, 409, True, 0)
    what = fact(form.kind, OperationState.SUCCEEDED, "web-01")
    assert re.search(rf"You sent the same at \d\d:\d\d: {what}\. Nothing was done", asked.content.decode())
    send(**hidden_in(asked.content.decode()))
    shop.work_all()
    assert len(shop.cluster.effects()) > done


def test_without_scripts_what_was_refused_may_be_sent_again_at_once(shop: Workshop, alice: Client) -> None:
    bench = ready(shop, changed("add_disk"))
    send = plain_sender(alice, bench, changed("add_disk", size_gib="9999"))

    assert [send().status_code, send().status_code] == [422, 422]


def test_without_scripts_another_wish_is_not_asked_about(shop: Workshop, alice: Client) -> None:
    bench = ready(shop, changed("add_disk"))
    for size_gib in ("2", "3"):
        assert plain_sender(alice, bench, changed("add_disk", size_gib=size_gib))().status_code == 302
        shop.work_all()


def plain_sender(alice: Client, bench: Bench, form: Form) -> Callable[..., Any]:
    """Sends the form from a page that was loaded just now, in a browser without scripts."""

    def send(**more: str) -> Any:
        told = {"digest": bench.row.config_digest} | form.told | {"key": new_key(timezone.now()), "plain": "1"}
        return alice.post(f"/vms/{bench.vm.pk}/{form.path}", told | more)

    return send


def hidden_in(page: str) -> dict[str, str]:
    """What a page's form says."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


LEASES = "/rtp/leases/change/"
#: What an RTP asks of many at once: the address, what is told, and of which verbs the audit writes.
BULK: dict[str, tuple[str, dict[str, str], str]] = {
    "empty": ("/rtp/pools/{pool}/empty/", {"into": "bob"}, "vm.move"),
    "rename": ("/rtp/pools/{pool}/rename/", {"name": "flags"}, "pool.renamed"),
    "extend": (LEASES, {"act": "extend", "until": "2030-02-28"}, "vm.lease_extended"),
    "spare": (LEASES, {"act": "spare", "reason": "A course."}, "vm.lease_spared"),
    "hold": (LEASES, {"act": "hold", "reason": "A storage is being repaired."}, "leases.held"),
    "end_hold": (LEASES, {"act": "end_hold"}, "leases.hold_ended"),
    "release": (LEASES, {"act": "release"}, "leases.released"),
}


@pytest.mark.parametrize("act", BULK)
def test_what_an_rtp_asks_of_many_and_sends_twice_happens_once(act: str, shop: Workshop, client: Client) -> None:
    """Also to what has come into the pool since, which the form sent again would take along."""
    send, verb = bulk(shop, sign_in(client, shop.cast.rita), act)
    key = new_key(timezone.now())
    send(key)
    send(key)
    shop.work_all()
    done = happened(shop, verb)

    if act in {"empty", "rename"}:
        shop.machine("came-later", pool=shop.cast.shared)
    page = send(key)
    shop.work_all()

    repeated = happened(shop, verb) - done
    add_to_figure("U-04", actions=1, sends=3, repeated=repeated)
    assert (done > 0, repeated) == (True, 0)
    assert re.search(r"This was sent already at \d\d:\d\d\. Nothing was done a second time\.", page)


@pytest.mark.parametrize("act", sorted(BULK.keys() - {"rename"}))
def test_another_page_of_an_rtp_is_another_wish(act: str, shop: Workshop, client: Client) -> None:
    """Control: the same with a new key; a pool can be renamed once only."""
    send, verb = bulk(shop, sign_in(client, shop.cast.rita), act)
    counts = []
    for _ in range(2):
        send(new_key(timezone.now()))
        shop.work_all()
        counts.append(happened(shop, verb))
        shop.machine("came-later", pool=shop.cast.shared)

    assert counts[1] > counts[0] > 0


def test_what_an_rtp_sent_and_was_refused_counts_as_not_sent(shop: Workshop, client: Client) -> None:
    key = new_key(timezone.now())
    send, verb = bulk(shop, sign_in(client, shop.cast.rita), "hold")

    client.post(LEASES, {"act": "hold", "reason": "", "key": key})
    send(key)

    assert happened(shop, verb) == 1


def bulk(shop: Workshop, rita: Client, act: str) -> tuple[Callable[[str], str], str]:
    """Two machines in the shared pool, and the form about them: how it is sent, and what the audit writes."""
    path, told, verb = BULK[act]
    machines = [shop.machine(f"web-0{n}", pool=shop.cast.shared) for n in range(2)]
    path = path.format(pool=shop.cast.shared.pk)
    chosen: dict[str, Any] = {"vm": [vm.pk for vm in machines]} if act in {"extend", "spare"} else {}

    def send(key: str) -> str:
        return rita.post(path, told | chosen | {"key": key}, follow=True).content.decode()

    return send, verb


def happened(shop: Workshop, verb: str) -> int:
    """What was begun in rows or done to machines of the cluster."""
    return AuditEvent.objects.filter(verb=verb).count() + len(shop.cluster.effects())


def ready(shop: Workshop, form: Form) -> Bench:
    """A machine to which this can be done."""
    bench = Bench(shop, config=RICH, status=BEFORE.get(form.kind, "running"))
    prepare(bench, form.kind)
    who: dict[str, Any] = {"by": shop.cast.alice, "address": "", "key": uuid.uuid4().hex}
    if form.kind in {"roll_back", "drop_snapshot"}:
        shop.work(request_snapshot(bench.row, name="kept", **who))
    if form.kind == "restore":
        shop.work(request_trash(bench.row, **who))
    if form.kind == "move":
        PoolMembership.objects.get_or_create(
            pool=shop.cast.shared, user=shop.cast.alice, defaults={"role": Role.MANAGER}
        )
    return bench


def sender(alice: Client, bench: Bench, form: Form) -> Callable[[str], None]:
    """Sends the form as the page was when it was loaded, whatever has become of the machine."""
    told = {"digest": bench.row.config_digest} | form.told
    if form.kind == "mount":
        told["iso_id"] = str(bench.shop.iso.pk)
    if form.kind == "move":
        told["into"] = str(bench.shop.cast.shared.pk)

    def send(key: str) -> None:
        answer = alice.post(f"/vms/{bench.vm.pk}/{form.path}", told | {"key": key})
        assert answer.status_code in {200, 302, 404, 409, 422}, answer.status_code

    return send
