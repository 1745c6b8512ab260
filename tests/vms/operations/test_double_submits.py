"""U-04: what is sent twice happens once: double click, a second tab, back and sent again."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from accounts.models import PoolMembership
from accounts.roles import Role
from tests.figures import add_to_figure
from tests.vms.operations.bench import Bench
from tests.vms.operations.changes import RICH, prepare
from tests.vms.operations.workshop import Workshop
from vms.change_table import PAGES
from vms.models import Operation
from vms.operations import request_snapshot, request_trash
from vms.states import OperationKind
from vms.verbs import MENU

FIRST, TAB, LATER = "a" * 32, "b" * 32, "c" * 32


@dataclass
class Form:
    """One form of one page. `again`: asking anew once it ended is a new wish: the page shows nothing of the first."""

    kind: str
    path: str
    told: dict[str, Any] = field(default_factory=dict)
    again: bool = False


def changed(kind: str, **told: Any) -> Form:
    return Form(kind, f"change/{kind}/", told)


def acted(kind: str, *, again: bool = False, **told: Any) -> Form:
    return Form(kind, f"actions/{kind}/", {"confirm": "yes"} | told, again)


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
    acted("reboot", again=True), acted("reset", again=True), acted("trash"), acted("restore"),
    Form("snapshot", "snapshots/take/", {"name": "clean"}),
    Form("roll_back", "snapshots/kept/roll-back/", {"confirm": "yes"}, again=True),
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

    for key in (FIRST, FIRST, TAB):
        send(key)
    shop.work_all()
    effects = len(shop.cluster.effects())
    for key in (FIRST,) if form.again else (FIRST, LATER):
        send(key)
    shop.work_all()

    repeated = len(shop.cluster.effects()) - effects
    add_to_figure("U-04", actions=1, sends=4 if form.again else 5, repeated=repeated)
    assert (Operation.objects.count() - sent_before, repeated) == (1, 0)


def test_the_counter_sees_what_happens_twice(shop: Workshop, alice: Client) -> None:
    """Control: the same wish under a new number each time, each after the other has ended."""
    form = acted("reboot")
    bench = ready(shop, form)
    for key in (FIRST, TAB, LATER):
        sender(alice, bench, form)(key)
        shop.work_all()

    assert len(shop.cluster.effects("reboot")) == 3


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
