"""R-36: whatever takes a right away ends every console of it within two seconds, and no key follows.

All causes at once, each on five consoles in two processes that share a database and a Redis. Redis only hastens it:
stopped midway, so that it neither answers nor breaks off, it delays nothing.
"""

import asyncio
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from channels.layers import get_channel_layer
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.test.utils import override_settings
from django.utils import timezone

from accounts.models import Pool, PoolMembership, User
from accounts.roles import Role
from consoles import close_codes, shares, visits
from consoles.authority import Authority, ref_of
from consoles.close_codes import End
from consoles.models import ConsoleVisit
from consoles.receivers import look_at_vm
from tests.cast import PASSWORD, person
from tests.consoles.crowd import TYPE_S, Cause, Party, arrived, make_party, play
from tests.consoles.lines import APPLICATION, Line, lined_up
from tests.consoles.portal import Portal, serving
from tests.devcluster.cluster import DevCluster
from tests.figures import figure, scaled
from vms.models import VirtualMachine
from vms.states import Lifecycle

WITHIN_S = 2.0
RUNS, TURNS = 5, scaled(1, 10)
REASON = "pve1 is taken down"


def of_member(party: Party) -> QuerySet[PoolMembership]:
    return PoolMembership.objects.filter(user=party.user)


def of_user(party: Party, **columns: object) -> None:
    User.objects.filter(pk=party.user.pk).update(**columns)


def of_vm(party: Party, **columns: object) -> None:
    VirtualMachine.objects.filter(pk=party.vm.pk).update(**columns)


def unbound(party: Party) -> None:
    Pool.objects.filter(pk=party.pool.pk).update(proxmox_poolid=None)


def new_password(party: Party) -> None:
    party.user.set_password(PASSWORD + " new")
    party.user.save(update_fields=["password"])


def by_rtp(party: Party, rita: User) -> None:
    for pk in ConsoleVisit.objects.filter(vm=party.vm).values_list("pk", flat=True):
        assert visits.ask_to_end_with(rita, pk, REASON, address="", now=timezone.now())


def by_themselves(party: Party) -> None:
    for pk in ConsoleVisit.objects.filter(vm=party.vm).values_list("pk", flat=True):
        assert visits.ask_to_end(party.user, pk, address="", now=timezone.now())


def elsewhere(party: Party) -> None:
    """One more, in a house that lets each person have one at a machine."""
    vm, user = party.vm, party.user
    assert vm.smbios_uuid
    settled = Authority(user.pk, user.username, party.cookie, vm.pk, vm.smbios_uuid, "", ref_of(vm))
    with override_settings(CONSOLE_MAX_SAME_VM=1):
        visits.open_visit(settled, timezone.now())


def revoked(party: Party) -> None:
    assert party.share
    shares.revoke(party.share, party.share.maker, address="", now=timezone.now())


CAUSES: dict[str, tuple[Cause, End]] = {
    "membership removed": (lambda p, r: of_member(p).delete(), close_codes.RIGHT_LOST),
    "role lowered": (lambda p, r: of_member(p).update(role=Role.VIEWER), close_codes.NARROWED),
    "machine moved": (lambda p, r: of_vm(p, pool=Pool.objects.get(name="alice")), close_codes.RIGHT_LOST),
    "pool unbound": (lambda p, r: unbound(p), close_codes.RIGHT_LOST),
    "person deactivated": (lambda p, r: of_user(p, is_active=False), close_codes.SIGNED_OUT),
    "machine locked": (lambda p, r: of_vm(p, locked_at=timezone.now(), lock_reason="Mining."), close_codes.LOCKED),
    "member left": (lambda p, r: of_user(p, departed_at=timezone.now()), close_codes.RIGHT_LOST),
    "session ended": (lambda p, r: Session.objects.filter(pk=p.cookie).delete(), close_codes.SIGNED_OUT),
    "password changed": (lambda p, r: new_password(p), close_codes.SIGNED_OUT),
    "machine gone": (lambda p, r: of_vm(p, lifecycle=Lifecycle.GONE), close_codes.GONE),
    "machine replaced": (lambda p, r: of_vm(p, smbios_uuid=uuid.uuid4()), close_codes.GONE),
    "machine in the trash": (lambda p, r: of_vm(p, trashed_at=timezone.now()), close_codes.TRASHED),
    "ended by an RTP": (by_rtp, close_codes.BY_RTP),
    "ended by themselves": (lambda p, r: by_themselves(p), close_codes.ENDED),
    "opened elsewhere": (lambda p, r: elsewhere(p), close_codes.ELSEWHERE),
    "share revoked": (lambda p, r: revoked(p), close_codes.SHARE_OVER),
}  # fmt: skip


@pytest.fixture(scope="module")
def line(
    django_db_setup: None, running_devcluster: DevCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Line]:
    with lined_up(running_devcluster, tmp_path_factory.mktemp("line")) as running:
        yield running


@pytest.fixture
def layer(line: Line) -> Iterator[None]:
    """This process tells the others by the same Redis, as a web process does."""
    redis = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [line.redis.url]}}
    with override_settings(CHANNEL_LAYERS={"default": redis}):
        yield


@pytest.fixture
def parties(transactional_db: None, layer: None, devcluster: DevCluster) -> dict[str, Party]:
    """One for each cause. The last has the console from a share."""
    Pool.objects.create(kind="shared", name="alice", proxmox_poolid="alice")
    found = {cause: make_party(devcluster, f"p{n}") for n, cause in enumerate(CAUSES)}
    with_share(found["share revoked"])
    return found


def with_share(party: Party) -> None:
    """The party's person is nobody in the pool; somebody who is lets them in."""
    maker, now = person("maker"), timezone.now()
    PoolMembership.objects.filter(user=party.user).update(user=maker)
    ref = shares.make(maker, party.vm, may_control=True, minutes=15, now=now)
    party.share = shares.take(ref, party.user, address="", now=now)
    assert party.share


@pytest.mark.timeout(300)
@pytest.mark.parametrize("turn", range(TURNS))
@pytest.mark.parametrize("redis", ["up", "stopped"])
def test_every_cause_ends_its_consoles_in_all_processes(
    line: Line, parties: dict[str, Party], redis: str, turn: int
) -> None:
    rita = person("rita", is_rtp=True)

    async def open_all(party: Party) -> None:
        for n in range(RUNS):
            await party.open(line.portals[n % len(line.portals)])

    async def scenario() -> None:
        await asyncio.gather(*map(open_all, parties.values()))
        if redis == "stopped":
            line.tell_redis(signal.SIGSTOP)
        try:
            await asyncio.gather(*(lose(n, name) for n, name in enumerate(parties)))
        finally:
            line.tell_redis(signal.SIGCONT)
        await asyncio.sleep(3 * TYPE_S)
        await get_channel_layer().close_pools()

    async def lose(n: int, name: str) -> None:
        await asyncio.sleep(0.11 * n)
        await parties[name].lose(told(CAUSES[name][0]), rita)

    play(scenario(), *parties.values())

    judge(parties, line.cluster, f"redis {redis}")
    for typist in parties["ended by an RTP"].typists:
        assert {"ended": {"by": "rita", "reason": REASON}} in typist.browser.notices


def told(cause: Cause) -> Cause:
    """The cause, and the word that whatever does such a thing sends."""

    def act(party: Party, rita: User) -> None:
        cause(party, rita)
        look_at_vm(None, vm_id=party.vm.pk)

    return act


def judge(parties: dict[str, Party], cluster: DevCluster, how: str) -> None:
    """Each console ended with its own sentence and in time, after keys had arrived, and none arrived later."""
    typists = [(name, typist) for name, party in parties.items() for typist in party.typists]
    keys = {name: arrived(cluster, party.vm) for name, party in parties.items()}
    late = sum(typist.late(keys[name]) for name, typist in typists)
    slowest_s = max(party.slowest_s for party in parties.values())
    figure("R-36", how, "causes", len(parties), "runs", len(typists), "slowest_s", round(slowest_s, 2),
           "keys_after", late)  # fmt: skip

    wrong = [(name, t.code) for name, t in typists if t.code != CAUSES[name][1].code]
    assert wrong == []
    assert all(typist.first < max(keys[name]) for name, typist in typists)
    assert (late, slowest_s <= WITHIN_S) == (0, True)


def test_without_the_second_look_a_console_goes_on(
    transactional_db: None, devcluster: DevCluster, tmp_path: Path
) -> None:
    """The control: rights are read once a minute, and nobody says a word."""
    party = make_party(devcluster, "carol")

    async def scenario(portal: Portal) -> None:
        await party.open(portal)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(party.lose(CAUSES["machine locked"][0], party.user), WITHIN_S + 1)

    with serving(devcluster, tmp_path, APPLICATION, VMPORTAL_ROLE="consoles", CONSOLE_RECHECK_S=60) as portal:
        play(scenario(portal), party)

    typed_s = (max(arrived(devcluster, party.vm)) - party.typists[0].first) * TYPE_S
    figure("R-36", "control without the second look", "typed_on_s", round(typed_s, 1))
    assert typed_s > WITHIN_S
