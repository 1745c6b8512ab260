"""Page states: a scene makes the rows, then names each page as somebody sees it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import Alarm, DirectoryException, DirectoryRun, SshKey
from accounts.roles import RunOutcome
from quotas.models import Reservation
from tests.cast import Cast
from tests.factories import make_iso, make_node, make_operation, make_reading, make_template, make_vm
from tests.pages.parts import hardware
from tests.pages.scenes_of_accounts import standing
from tests.pages.scenes_of_admin import attention
from tests.pages.scenes_of_consoles import consoles
from tests.pages.scenes_of_create import much_on_offer
from tests.pages.scenes_of_hardware import parts, waiting
from tests.pages.scenes_of_leases import leases
from tests.pages.scenes_of_limits import limits
from tests.pages.scenes_of_people import people
from tests.pages.scenes_of_pools import pools
from tests.pages.scenes_of_shares import sharing
from tests.pages.scenes_of_snapshots import snapshots
from tests.pages.states import PageState
from vms.models import MirrorRun, VirtualMachine
from vms.states import Lifecycle, OperationKind, OperationState, Power

GIB = 1024


def fresh() -> datetime:
    """A reading that stays fresh however long the scene is looked at."""
    return timezone.now() + timedelta(hours=1)


def step(label: str, state: str, note: str = "") -> dict[str, str]:
    """One step of an operation."""
    return {"name": label.lower(), "label": label, "state": state, "at": "", "note": note}


CREATING = [
    step("Checked limits", "done"),
    step("Asked Proxmox", "done"),
    step("Copying the template", "running", "3.1 of 5 GiB"),
    step("Set size and key", "waiting"),
    step("Start", "waiting"),
]
CONFIG = hardware()


def cluster() -> None:
    """A cluster that was read just now, with something to install."""
    make_reading(fresh())
    make_node("pve1")
    make_node("pve2")
    make_template("debian-12", title="Debian 12", disk_gib=5)
    make_template("small-linux", title="Small Linux", cloud_init_user="tc", disk_gib=1)
    make_iso("grub-rescue.iso")
    make_iso("debian-12.9.0-amd64-netinst.iso")


def running(cast: Cast, name: str, **columns: object) -> VirtualMachine:
    """A running machine of alice's."""
    shape = {"power": Power.RUNNING, "cores": 2, "memory_mib": 2 * GIB, "disk_gib": 32, "cpu_load": 0.04}
    known = {"uptime_s": 1_040_000, "source": "Debian 12", "last_seen": fresh()}
    return make_vm(cast.alices, name, **(shape | known | columns))


def everyday(cast: Cast) -> list[PageState]:
    """Alice with a machine in each common state."""
    cluster()
    web = running(cast, "web-01", hardware=CONFIG, config_read_at=timezone.now(), login_user="debian", disk_gib=40)
    make_vm(cast.alices, "db-test", cores=2, memory_mib=2 * GIB, disk_gib=40, source="Debian 12", last_seen=fresh())
    paused = running(cast, "ctf-paused", power=Power.PAUSED, cores=1, memory_mib=GIB, disk_gib=8)
    old = running(cast, "old-wiki", power=Power.UNKNOWN, cores=1, memory_mib=GIB, disk_gib=4)
    running(cast, "locked", lock="backup", cores=1, memory_mib=512, disk_gib=4)
    running(cast, "stale", cores=1, memory_mib=512, last_seen=timezone.now() - timedelta(minutes=6), disk_gib=4)
    missing = running(cast, "missing", missing_since=timezone.now() - timedelta(minutes=2), cores=0, disk_gib=0)
    make_vm(cast.shared, "ctf-box", power=Power.RUNNING, cores=1, last_seen=fresh())
    done = make_operation(
        web, cast.alice, state=OperationState.SUCCEEDED, finished_at=timezone.now() + timedelta(seconds=4),
        steps=[step("Check limits", "done"), step("Start", "done")],
    )  # fmt: skip
    make_operation(
        paused, cast.alice, kind=OperationKind.SHUTDOWN, state=OperationState.FAILED, finished_at=timezone.now(),
        sentence="Proxmox did not shut down ctf-paused. The guest did not answer in time.",
        detail="VM quit/powerdown failed - got timeout", steps=[step("Shut down", "failed")],
    )  # fmt: skip
    at = f"/vms/{web.pk}/"
    return [
        PageState("list", cast.alice, "/"),
        PageState("list-menu-open", cast.alice, "/", lambda page: page.click(f"#act-{web.pk}")),
        PageState("list-operator", cast.carol, "/"),
        PageState("vm-running", cast.alice, at),
        PageState("vm-more-open", cast.alice, at, lambda page: page.click("#more")),
        PageState("vm-paused-failed", cast.alice, f"/vms/{paused.pk}/"),
        PageState("vm-unknown", cast.alice, f"/vms/{old.pk}/"),
        PageState("vm-missing", cast.alice, f"/vms/{missing.pk}/"),
        PageState("vm-hardware", cast.alice, f"{at}hardware/"),
        PageState("vm-hardware-unread", cast.alice, f"/vms/{old.pk}/hardware/"),
        PageState("vm-activity", cast.alice, f"{at}activity/"),
        PageState("vm-activity-empty", cast.alice, f"/vms/{old.pk}/activity/"),
        PageState("operation-done", cast.alice, f"{at}operations/{done.pk}/"),
        PageState("confirm-stop", cast.alice, f"{at}actions/stop/"),
        PageState("confirm-delete-running", cast.alice, f"{at}actions/delete/"),
        PageState("activity", cast.alice, "/activity/"),
        PageState("rtp", cast.rita, "/rtp/vms/"),
        PageState("rtp-found", cast.rita, "/rtp/vms/?q=web"),
        PageState("rtp-nothing", cast.rita, "/rtp/vms/?q=zzz"),
        PageState("rtp-on-a-vm", cast.rita, at),
        PageState("rtp-list", cast.rita, "/"),
        PageState("403", cast.alice, "/rtp/vms/"),
        PageState("404", cast.bob, at),
    ]


def moving(cast: Cast) -> list[PageState]:
    """Machines being made, removed and asked about."""
    cluster()
    running(cast, "web-01")
    shape = {"cores": 2, "memory_mib": 2 * GIB, "disk_gib": 20, "last_seen": None, "power": Power.UNKNOWN}
    born = make_vm(cast.alices, "ctf-box", lifecycle=Lifecycle.CREATING, source="Debian 12", **shape)
    held = Reservation.objects.create(
        pool=cast.alices, cores=2, memory_mib=2 * GIB, disk_gib=20, vms=1, purpose="create",
        held_until=timezone.now() + timedelta(hours=1),
    )  # fmt: skip
    create = {"kind": OperationKind.CREATE, "steps": CREATING}
    making = make_operation(born, cast.alice, state=OperationState.SUBMITTED, reservation=held, **create)
    lost = make_vm(cast.alices, "lost", lifecycle=Lifecycle.CREATING, **shape)
    unsure = [step("Checked limits", "done"), step("Asked Proxmox", "uncertain")]
    make_operation(
        lost, cast.alice, kind=OperationKind.CREATE, state=OperationState.UNCERTAIN, steps=unsure,
        sentence="We do not know yet whether lost was created. The connection broke after we asked. "
        "We are checking; this page will tell. Do not create it a second time.",
    )  # fmt: skip
    stuck = running(cast, "stuck")
    make_operation(stuck, cast.alice, kind=OperationKind.STOP, state=OperationState.NEEDS_RTP, steps=unsure)
    failed = make_vm(cast.alices, "never", lifecycle=Lifecycle.FAILED, **shape)
    make_operation(
        failed, cast.alice, kind=OperationKind.CREATE, state=OperationState.FAILED, finished_at=timezone.now(),
        steps=[step("Checked limits", "done"), step("Asked Proxmox", "failed")],
        sentence="Proxmox did not create never. The storage is full. Nothing was changed.",
    )  # fmt: skip
    going = make_vm(cast.alices, "going", lifecycle=Lifecycle.DELETING)
    make_operation(going, cast.alice, kind=OperationKind.DELETE, state=OperationState.CLAIMED)
    return [
        PageState("list-moving", cast.alice, "/"),
        PageState("vm-creating", cast.alice, f"/vms/{born.pk}/"),
        PageState("operation-creating", cast.alice, f"/vms/{born.pk}/operations/{making.pk}/"),
        PageState("vm-uncertain", cast.alice, f"/vms/{lost.pk}/"),
        PageState("vm-needs-rtp", cast.alice, f"/vms/{stuck.pk}/"),
        PageState("vm-needs-rtp-rtp", cast.rita, f"/vms/{stuck.pk}/"),
        PageState("vm-failed", cast.alice, f"/vms/{failed.pk}/"),
        PageState("vm-deleting", cast.alice, f"/vms/{going.pk}/"),
        PageState("activity-moving", cast.alice, "/activity/"),
        PageState("rtp-moving", cast.rita, "/rtp/vms/"),
        PageState("hardware-creating", cast.alice, f"/vms/{born.pk}/hardware/"),
        PageState("confirm-busy", cast.alice, f"/vms/{stuck.pk}/actions/reset/"),
    ]


def forms(cast: Cast) -> list[PageState]:
    """The create page and the account, right and wrong."""
    cluster()
    stopped = make_vm(cast.alices, "db-test", last_seen=fresh())
    running(cast, "web-01", cores=5, memory_mib=5 * GIB)
    for n, comment in enumerate(("alice@laptop", "alice@a-very-long-host-name.members.example.org")):
        SshKey.objects.create(
            user=cast.alice, public_key=f"ssh-ed25519 AAAA{n} {comment}", comment=comment,
            fingerprint=f"SHA256:{n}AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCdEf", last_used_at=timezone.now(),
        )  # fmt: skip
    return [
        PageState("create", cast.alice, "/vms/new/"),
        PageState("create-wrong", cast.alice, "/vms/new/", create_wrong),
        PageState("create-first-key", cast.bob, "/vms/new/", create_private),
        PageState("create-shared", cast.alice, f"/vms/new/?pool={cast.shared.pk}"),
        PageState("console-off", cast.alice, f"/vms/{stopped.pk}/console/"),
        PageState("confirm-delete", cast.alice, f"/vms/{stopped.pk}/actions/delete/"),
        PageState("confirm-delete-wrong", cast.alice, f"/vms/{stopped.pk}/actions/delete/", delete_wrong),
        PageState("account", cast.alice, "/accounts/"),
        PageState("account-no-keys", cast.bob, "/accounts/"),
        PageState("account-wrong", cast.bob, "/accounts/", save_wrong),
        PageState("password", cast.alice, "/accounts/password/change/"),
        PageState("second-factor", cast.alice, "/accounts/2fa/"),
        PageState("sessions", cast.alice, "/accounts/sessions/"),
        PageState("sign-out", cast.alice, "/accounts/logout/"),
        PageState("sign-in", None, "/accounts/login/"),
        PageState("sign-in-wrong", None, "/accounts/login/", sign_in_wrong),
        PageState("inactive", None, "/accounts/inactive/"),
        PageState("confirm-access", cast.alice, "/accounts/reauthenticate/"),
        PageState("404-out", None, "/nowhere/"),
    ]


def outage(cast: Cast) -> list[PageState]:
    """Proxmox does not answer."""
    cluster()
    MirrorRun.objects.all().delete()
    make_reading(timezone.now() - timedelta(minutes=6))
    make_reading(answered=False, is_complete=False)
    web = running(cast, "web-01", last_seen=timezone.now() - timedelta(minutes=6))
    return [
        PageState("list-outage", cast.alice, "/"),
        PageState("list-outage-empty", cast.bob, "/"),
        PageState("vm-outage", cast.alice, f"/vms/{web.pk}/"),
        PageState("create-outage", cast.alice, "/vms/new/"),
    ]


def silent_node(cast: Cast) -> list[PageState]:
    """One node is silent, and alice has used everything."""
    cluster()
    make_node("pve-03", is_online=False, last_seen=timezone.now() - timedelta(minutes=6))
    web = running(cast, "web-01", node="pve-03", power=Power.UNKNOWN, cores=8, memory_mib=9 * GIB, disk_gib=250)
    return [
        PageState("list-node", cast.alice, "/"),
        PageState("vm-node", cast.alice, f"/vms/{web.pk}/"),
        PageState("create-full", cast.alice, "/vms/new/"),
    ]


def empty(cast: Cast) -> list[PageState]:
    """Nothing is there yet."""
    return [
        PageState("list-empty", cast.bob, "/"),
        PageState("create-nothing-on-offer", cast.bob, "/vms/new/"),
        PageState("create-nothing-on-offer-rtp", cast.rita, "/vms/new/"),
        PageState("activity-empty", cast.bob, "/activity/"),
        PageState("rtp-empty", cast.rita, "/rtp/vms/"),
        PageState("directory-none", cast.rita, "/rtp/directory/"),
    ]


def house(cast: Cast) -> list[PageState]:
    """The house's directory: passes of each outcome, departures that wait for an RTP, entries left out."""
    hour = timedelta(hours=1)
    now = timezone.now()
    odd = [
        {"entry": "uid=Zoë Quist,cn=users,dc=house,dc=example", "sentence": "The uid 'zoë quist' cannot be kept."},
        {"entry": "uid=mallory,cn=users,dc=house,dc=example", "sentence": "The entry holds two UUIDs."},
    ]  # fmt: skip
    DirectoryRun.objects.create(
        started_at=now - 3 * hour, outcome=RunOutcome.APPLIED, members_read=412, joined=2, changed=1, departed=1,
        plan={"joined": ["dora", "emil"], "departed": ["frida"], "changed": ["gustav"]},
    )  # fmt: skip
    DirectoryRun.objects.create(
        started_at=now - 2 * hour, outcome=RunOutcome.FAILED, note="The directory did not answer in time."
    )
    leaving = [f"member{n:02}" for n in range(48)]
    sentence = "48 of 412 members would count as departed at once; up to 41 do without an RTP's word."
    DirectoryRun.objects.create(
        started_at=now - hour, outcome=RunOutcome.HELD, members_read=364, note=sentence, problems=odd,
        plan={"joined": ["hedda"], "departed": leaving, "rtp_lost": ["member07"], "who": leaving},
    )  # fmt: skip
    Alarm.objects.create(
        kind="directory", key="departures", raised_at=now - hour, sentence=f"The directory changed nobody. {sentence}"
    )
    DirectoryException.objects.create(
        user=cast.carol, reason="writes up a thesis", until=timezone.localdate() + 60 * 24 * hour, made_by=cast.rita
    )
    return [PageState("directory", cast.rita, "/rtp/directory/")]


def create_wrong(page: Page) -> None:
    """Sends a name that is none."""
    page.fill("#id_name", "1 web!")
    page.click("#submit")


def create_private(page: Page) -> None:
    """Pastes a private key."""
    page.fill("#id_name", "web-01")
    page.fill("#id_public_key", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END")
    page.click("#submit")


def delete_wrong(page: Page) -> None:
    """Types another name."""
    page.fill("#id_name", "web-01")
    page.click("main form button")


def save_wrong(page: Page) -> None:
    """Saves what is no key."""
    page.fill("textarea", "hello")
    page.click("main form button")


def sign_in_wrong(page: Page) -> None:
    """Signs in with a wrong password."""
    page.fill("#id_login", "alice")
    page.fill("#id_password", "wrong")
    page.click("main form button")


SCENES: dict[str, Callable[[Cast], list[PageState]]] = {
    scene.__name__: scene
    for scene in (
        everyday, moving, forms, outage, silent_node, empty, house, people, limits, standing, parts, waiting, snapshots,
        pools, attention, leases, consoles, sharing, much_on_offer,
    )
}  # fmt: skip
