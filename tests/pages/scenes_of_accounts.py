"""Page states of one's own account, of somebody who left the house, and of a machine that an RTP locked."""

import uuid
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page

from accounts.alarms import raise_alarm
from accounts.models import DirectoryGroup, DirectoryMembership, DirectoryRun, Pool, SshKey, User
from accounts.roles import AccountKind, RunOutcome
from consoles.models import ConsoleVisit
from tests.cast import Cast
from tests.factories import make_node, make_reading, make_vm
from tests.pages.states import PageState
from tests.vms.departures.people import make_dora
from vms.models import VirtualMachine
from vms.states import Power

REASON = "Sends mail for strangers since Monday. Write to rtp@house.example before it runs again."


def standing(cast: Cast) -> list[PageState]:
    """Alice from the house with consoles open, dora who left, and a locked machine."""
    now = timezone.now()
    make_reading(now + timedelta(hours=1))
    make_node("pve1")
    web, relay = _running(cast.alices, "web-01"), _running(cast.alices, "relay")
    VirtualMachine.objects.filter(pk=relay.pk).update(locked_at=now, locked_by=cast.rita, lock_reason=REASON)
    dora = make_dora(cast.shared)
    mine = _running(Pool.objects.get(owner=dora), "thesis")
    make_vm(Pool.objects.get(owner=dora), "old-thesis", last_seen=now + timedelta(hours=1))
    _open(cast.alice, web)
    _open(cast.alice, relay)
    _from_the_house(cast.alice)
    raise_alarm("break_glass", "1", "glass-1 signed in by break-glass from 192.0.2.99.")
    raise_alarm("directory", "departures", "The directory changed nobody.")
    return [
        PageState("account-house", cast.alice, "/accounts/"),
        PageState("account-preferences-wrong", cast.alice, "/accounts/", choose_nothing),
        PageState("list-locked", cast.alice, "/"),
        PageState("vm-locked", cast.alice, f"/vms/{relay.pk}/"),
        PageState("console-locked", cast.alice, f"/vms/{relay.pk}/console/"),
        PageState("confirm-locked", cast.alice, f"/vms/{relay.pk}/actions/reset/"),
        PageState("vm-locked-rtp", cast.rita, f"/vms/{relay.pk}/"),
        PageState("list-alarms", cast.rita, "/"),
        PageState("list-departed", dora, "/"),
        PageState("vm-departed", dora, f"/vms/{mine.pk}/"),
        PageState("create-departed", dora, "/vms/new/"),
        PageState("account-departed", dora, "/accounts/"),
    ]


def choose_nothing(page: Page) -> None:
    """Sends colours that do not exist."""
    page.eval_on_selector("#id_theme option", "option => { option.value = 'pink'; option.selected = true; }")
    with page.expect_navigation():
        page.get_by_role("button", name="Save preferences").click()


def _running(pool: Pool, name: str) -> VirtualMachine:
    seen = timezone.now() + timedelta(hours=1)
    shape = {"power": Power.RUNNING, "cores": 1, "memory_mib": 1024, "disk_gib": 8, "source": "Debian 12"}
    return make_vm(pool, name, last_seen=seen, **shape)


def _open(person: User, vm: VirtualMachine) -> None:
    now = timezone.now()
    ConsoleVisit.objects.create(
        user=person, user_name=person.username, vm=vm, machine_uuid=vm.smbios_uuid or uuid.uuid4(),
        address="2001:db8:85a3::8a2e:370:7334", opened_at=now, seen_at=now,
    )  # fmt: skip


def _from_the_house(person: User) -> None:
    User.objects.filter(pk=person.pk).update(
        kind=AccountKind.HOUSE, oidc_sub=f"sub-{person.username}", ldap_uuid=uuid.uuid4(), ldap_uid=person.username,
        first_name="Alice Margarethe Liddell-Hargreaves", email="alice.margarethe@members.house.example",
    )  # fmt: skip
    person.refresh_from_db()
    now = timezone.now()
    DirectoryRun.objects.create(started_at=now, finished_at=now - timedelta(minutes=4), outcome=RunOutcome.APPLIED)
    for name in ("active", "current_student", "drink-admins"):
        group = DirectoryGroup.objects.create(name=name, seen_at=now)
        DirectoryMembership.objects.create(user=person, group=group)
    kinds = ("sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp521")
    for n, kind in enumerate(kinds):
        SshKey.objects.create(
            user=person, public_key=f"{kind} AAAA{n} alice@laptop", comment="alice@laptop", last_used_at=None,
            fingerprint=f"SHA256:{n}AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEf",
        )  # fmt: skip
