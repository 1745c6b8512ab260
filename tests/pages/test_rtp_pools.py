"""The RTPs' pages of pools: numbers, filters, CSV, limits in place, marks, closing, binding."""

import csv
import re
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Pool, PoolMembership, User
from accounts.roles import PoolKind, Role
from quotas.models import Allowance, Policy, Reservation
from tests.cast import Cast
from tests.factories import make_operation, make_vm
from tests.figures import figure
from tests.sign_in import sign_in
from vms.cluster.client import ProxmoxLine
from vms.models import ClusterPool, Operation
from vms.states import OperationKind, OperationState, Power

KEY = "c" * 32


@pytest.fixture
def rita(cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    """An RTP with a fresh proof; whoever asks Proxmox fails."""
    monkeypatch.setattr(ProxmoxLine, "_new_client", lambda self, host: pytest.fail("a page asked Proxmox"))
    sign_in(client, cast.rita)
    return client


def names(page: str) -> list[str]:
    """The pools of the list, in order."""
    return re.findall(r'<th scope="row"><a href="/rtp/pools/\d+/">([^<]+)</a>', page)


def look(client: Client, query: str = "") -> str:
    return str(client.get(f"/rtp/pools/{query}").content.decode())


def seen_in(page: str) -> str:
    """What the form says was seen."""
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found
    return found[1]


def test_use_reserved_and_limit_stand_there_with_the_rule(cast: Cast, rita: Client) -> None:
    Policy.objects.create(name="default", is_default=True, cores=6, memory_mib=8192, disk_gib=250)
    Allowance.objects.create(pool=cast.shared, cores=12, reason="contest")
    make_vm(cast.shared, power=Power.RUNNING, cores=4, pending_cores=5)
    Reservation.objects.create(pool=cast.shared, cores=2, held_until=timezone.now())

    page = " ".join(look(rita, "?q=ctf").split())

    assert '5 <span class="muted">of 12 cores</span>' in page
    assert "2 cores reserved" in page
    assert "an allowance, the default" in page


def test_a_policy_that_counts_always_counts_what_is_off(cast: Cast, rita: Client) -> None:
    policy = Policy.objects.create(name="strict", cores=6, memory_mib=8192, disk_gib=250, counts_always=True)
    policy.pools.add(cast.shared)
    make_vm(cast.shared, cores=4)

    assert '4 <span class="muted">of 6 cores</span>' in look(rita, "?q=ctf")


@pytest.mark.parametrize("sort", ["name", "whose", "machines", "awake", "cores", "memory_mib", "disk_gib", "rule"])
def test_every_column_sorts_and_turns(cast: Cast, rita: Client, sort: str) -> None:
    for n, pool in enumerate((cast.alices, cast.bobs, cast.shared)):
        for _ in range(n):
            make_vm(pool, power=Power.RUNNING, cores=n, disk_gib=n, memory_mib=512 * n)
    Allowance.objects.create(pool=cast.alices, disk_gib=300, reason="thesis")

    there, back = names(look(rita, f"?sort={sort}")), names(look(rita, f"?sort=-{sort}"))

    assert sorted(there) == ["alice", "bob", "ctf"]
    assert there != back
    assert "aria-sort" in look(rita, f"?sort={sort}")


def narrow(cast: Cast) -> None:
    """One pool for each filter."""
    Policy.objects.create(name="default", is_default=True, cores=1, memory_mib=8192, disk_gib=250)
    make_vm(cast.bobs, power=Power.RUNNING, cores=2)
    make = Pool.objects.create
    make(kind=PoolKind.SHARED, name="secret", hidden=True, proxmox_poolid="secret")
    make(kind=PoolKind.SHARED, name="old", closed_at=timezone.now(), proxmox_poolid="old")
    make(kind=PoolKind.SHARED, name="new")
    make(kind=PoolKind.SHARED, name="gone (removed 9)", closed_at=timezone.now(), removed_at=timezone.now())


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["alice", "bob", "ctf", "new", "old", "secret"]),
        ("?show=over", ["bob"]),
        ("?show=personal", ["alice", "bob"]),
        ("?show=shared", ["ctf", "new", "old", "secret"]),
        ("?show=hidden", ["secret"]),
        ("?show=closed", ["old"]),
        ("?show=unbound", ["new"]),
        ("?show=removed", ["gone (removed 9)"]),
        ("?q=CT", ["ctf"]),
        ("?q=bob&show=shared", []),
        ("?show=%27;drop&sort=--x&page=nine", ["alice", "bob", "ctf", "new", "old", "secret"]),
    ],
)
def test_the_list_is_narrowed_and_the_file_is_the_same(cast: Cast, rita: Client, query: str, found: list[str]) -> None:
    narrow(cast)

    page, file = look(rita, query), rita.get(f"/rtp/pools/pools.csv{query}").content.decode()

    assert names(page) == found
    assert [row["pool"] for row in csv.DictReader(StringIO(file))] == found


@pytest.mark.parametrize("name", ['=HYPERLINK("x")', "+1", "-1", "@a", "\tx"])
def test_no_cell_of_the_file_is_a_formula(cast: Cast, rita: Client, name: str) -> None:
    Pool.objects.filter(pk=cast.shared.pk).update(name=name, proxmox_poolid=name)

    rows = list(csv.reader(StringIO(rita.get("/rtp/pools/pools.csv").content.decode())))

    cells = [cell for row in rows for cell in row]
    assert f"'{name}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


def test_a_number_of_pools_costs_a_fixed_number_of_queries(cast: Cast, rita: Client) -> None:
    asked = {}
    for count in (3, 300, 3000):
        have = Pool.objects.count()
        Pool.objects.bulk_create(Pool(kind=PoolKind.SHARED, name=f"pool-{n:04}") for n in range(have, count))
        with CaptureQueriesContext(connection) as queries:
            assert rita.get("/rtp/pools/?sort=cores").status_code == 200
        with CaptureQueriesContext(connection) as of_file:
            assert rita.get("/rtp/pools/pools.csv").status_code == 200
        asked[count] = (len(queries), len(of_file))

    assert asked[3] == asked[300] == asked[3000]
    figure("P-02", "pools page and file queries", *asked[3000], "at 3 300 3000 pools, Proxmox calls 0")


def test_a_limit_is_edited_in_place_and_leads_back(cast: Cast, rita: Client) -> None:
    path = f"/quotas/pools/{cast.shared.pk}/"
    here = {"HX-Request": "true", "HX-Current-URL": "https://portal.example.org/rtp/pools/?q=ctf&sort=cores"}
    form = rita.get(path, headers=here).content.decode()
    assert ("<html" in form, f'action="{path}"' in form) == (False, True)
    assert 'value="/rtp/pools/?q=ctf&amp;sort=cores"' in form

    seen = seen_in(form)
    answer = rita.post(path, {"cores": "12", "reason": "contest", "seen": seen, "back": "/rtp/pools/?q=ctf&sort=cores"})

    assert answer.headers["Location"] == "/rtp/pools/?q=ctf&sort=cores"
    assert "of 12 cores" in look(rita, "?q=ctf")


@pytest.mark.parametrize("back", ["https://evil.example/rtp/pools/x", "//evil.example", "/admin/", "javascript:x"])
def test_a_foreign_way_back_is_not_taken(cast: Cast, rita: Client, back: str) -> None:
    path = f"/quotas/pools/{cast.shared.pk}/"

    seen = seen_in(rita.get(path).content.decode())
    answer = rita.post(path, {"cores": "12", "reason": "contest", "seen": seen, "back": back})

    assert answer.headers["Location"] == path


def test_marks_are_set_with_their_reason_beside_the_field(cast: Cast, rita: Client) -> None:
    path = f"/rtp/pools/{cast.shared.pk}/marks/"
    wrong = rita.post(path, {"never_expires": "on", "hidden": "on"})
    assert (wrong.status_code, "Say why its machines never expire." in wrong.content.decode()) == (422, True)

    page = rita.post(path, {"never_expires": "on", "hidden": "on", "reason": "infra"}, follow=True).content.decode()

    assert "The marks of ctf are set." in page
    assert "hidden · never expires" in page


def test_a_hidden_pool_is_not_listed_for_members(cast: Cast, client: Client) -> None:
    Pool.objects.filter(pk=cast.shared.pk).update(hidden=True)
    sign_in(client, cast.carol)

    assert "ctf" not in client.get("/pools/").content.decode()


def test_a_pool_is_closed_emptied_and_removed_step_by_step(cast: Cast, rita: Client) -> None:
    vm = make_vm(cast.shared, "web-01")
    path = f"/rtp/pools/{cast.shared.pk}/"
    too_soon = rita.post(f"{path}remove/").content.decode()
    closed = rita.post(f"{path}close/", follow=True).content.decode()
    kept = rita.post(f"{path}remove/").content.decode()
    moved = rita.post(f"{path}empty/", {"into": "BOB", "key": KEY}, follow=True).content.decode()

    assert "ctf is open. Close it first." in too_soon
    assert "ctf is closed: nothing new is made in it." in closed
    assert "ctf cannot be removed. web-01 is still in it. Move or delete them first." in kept
    assert "1 VM is being moved." in moved
    assert "on its way" in moved
    assert Operation.objects.get(vm=vm).pool == cast.bobs


@pytest.mark.parametrize(
    ("into", "sentence"),
    [
        ("", "Name the pool they go to."),
        ("nowhere", "There is no pool called nowhere."),
        ("ctf", "They are in ctf already."),
        ("x" * 70, "No pool has so long a name."),
    ],
)
def test_odd_receivers_move_nothing(cast: Cast, rita: Client, into: str, sentence: str) -> None:
    make_vm(cast.shared, "web-01")

    answer = rita.post(f"/rtp/pools/{cast.shared.pk}/empty/", {"into": into, "key": KEY})

    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert not Operation.objects.exists()


def test_a_rename_shows_how_far_it_is(cast: Cast, rita: Client) -> None:
    busy = make_vm(cast.shared, "db")
    make_vm(cast.shared, "web-01")
    make_operation(busy, cast.alice, state=OperationState.SUBMITTED)
    path = f"/rtp/pools/{cast.shared.pk}/"

    page = rita.post(f"{path}rename/", {"name": "robotics", "key": KEY}, follow=True).content.decode()

    assert "robotics is made. 1 VM is being moved. db stays: Something else is being done with it." in page
    assert "1 on the way, 2 still here" in page
    assert 'hx-trigger="every 3s"' in page
    assert Operation.objects.get(kind=OperationKind.MOVE).pool.name == "robotics"


@pytest.mark.parametrize("name", ["", "ctf", "a b", "x" * 41])
def test_an_odd_new_name_stands_beside_its_field(cast: Cast, rita: Client, name: str) -> None:
    answer = rita.post(f"/rtp/pools/{cast.shared.pk}/rename/", {"name": name, "key": KEY})

    assert answer.status_code == 422
    assert 'id="id_new_name_error"' in answer.content.decode()


def test_a_pool_of_proxmox_is_bound_by_an_rtp_and_never_expires(cast: Cast, rita: Client) -> None:
    ClusterPool.objects.create(poolid="old-team", machines=3, seen_at=timezone.now())
    assert "old-team" in look(rita)

    page = rita.post("/rtp/pools/bind/", {"poolid": "old-team", "name": "team"}, follow=True).content.decode()

    made = Pool.objects.get(name="team")
    assert "old-team is bound to team now." in page
    assert (made.never_expires, made.never_expires_reason, "old-team" in look(rita, "?q=x")) == (True, "adopted", False)


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"poolid": "old-team", "name": ""}, "Name the shared pool it is bound to."),
        ({"poolid": "old-team", "name": "alice"}, "The pool alice is bound to alice already."),
        ({"poolid": "old-team", "name": "dave"}, "dave is somebody&#x27;s own pool. Name a shared one."),
        ({"poolid": "old-team", "name": "closed"}, "The pool closed is closed."),
        ({"poolid": "old-team", "name": "a b"}, "A pool&#x27;s name has 2 to 40 letters"),
        ({"poolid": "alice", "name": "team"}, "alice is bound to the pool alice already."),
        ({"poolid": "nowhere", "name": "team"}, "The cluster shows no pool nowhere any more."),
    ],
)
def test_what_cannot_be_bound_is_not(cast: Cast, rita: Client, form: dict[str, str], sentence: str) -> None:
    for poolid in ("old-team", "alice"):
        ClusterPool.objects.create(poolid=poolid, machines=1, seen_at=timezone.now())
    dave = User.objects.create_user("dave", "dave@example.org")
    Pool.objects.create(kind=PoolKind.PERSONAL, owner=dave, name="dave")
    Pool.objects.create(kind=PoolKind.SHARED, name="closed", closed_at=timezone.now())

    answer = rita.post("/rtp/pools/bind/", form)

    assert (answer.status_code, sentence in answer.content.decode()) == (422, True)
    assert not Pool.objects.filter(proxmox_poolid="old-team").exists()


ACTS: dict[str, dict[str, Any]] = {
    "marks": {"hidden": "on"}, "close": {}, "open": {}, "empty": {"into": "bob", "key": KEY},
    "rename": {"name": "robotics", "key": KEY}, "remove": {},
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("who", ["alice", "rita without proof"])
def test_every_act_takes_an_rtp_with_a_fresh_proof(cast: Cast, client: Client, act: str, who: str) -> None:
    make_vm(cast.shared, "web-01")
    sign_in(client, cast.alice if who == "alice" else cast.rita, fresh=False)
    before = list(Pool.objects.values())

    answer = client.post(f"/rtp/pools/{cast.shared.pk}/{act}/", ACTS[act])

    assert answer.status_code == (403 if who == "alice" else 303)
    assert (list(Pool.objects.values()), Operation.objects.exists()) == (before, False)


def test_a_manager_is_handed_the_pool(cast: Cast, rita: Client) -> None:
    rita.post(f"/pools/{cast.shared.pk}/role/", {"person": cast.bob.pk, "role": "manager"})

    assert PoolMembership.objects.get(pool=cast.shared, user=cast.bob).role == Role.MANAGER
