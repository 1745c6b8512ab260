"""A stand-in, a portal, alice's browser at both, and an administrator of the cluster with a token of their own."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from quotas.models import Policy
from tests.consoles.portal import Portal
from tests.devcluster.api import Api
from tests.devcluster.cluster import DevCluster
from tests.sign_in import sign_in
from tests.vms.operations.workshop import Workshop
from tests.vms.slots.screens import Screens
from vms import guests, plots
from vms.cluster import Cluster, cluster
from vms.mirror import foreign
from vms.mirror.sweep import sweep
from vms.mirror.sync import sync
from vms.models import Plot, VirtualMachine
from vms.operations import task_logs

NEIGHBOURS = 24
BOSS = "5f1c1d3e-0000-4000-8000-000000000001"


@dataclass
class Street:
    """Slots one beside the other; each sequence has its own. All three people are signed in."""

    shop: Workshop
    portal: Portal
    screens: Screens
    boss: Api
    alice: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    bob: Client = field(default_factory=lambda: Client(raise_request_exception=False))
    carol: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def __post_init__(self) -> None:
        Policy.objects.update_or_create(is_default=True, defaults={"name": "default"})
        sign_in(self.alice, self.shop.cast.alice)
        sign_in(self.bob, self.shop.cast.bob)
        sign_in(self.carol, self.shop.cast.carol)
        # Enough machines that two may vanish at once without anybody being asked.
        self.neighbours = [
            self.shop.machine(f"near-{n:02}", pool=self.shop.cast.bobs, vmid=300 + n) for n in range(NEIGHBOURS)
        ]
        self.read()

    @property
    def pve(self) -> DevCluster:
        """The cluster."""
        return self.shop.cluster

    @property
    def proxmox(self) -> Cluster:
        """The gateway as a worker uses it."""
        return cluster()

    def read(self, times: int = 1) -> None:
        """The mirror reads."""
        for _ in range(times):
            run = sync(self.proxmox, timezone.now())
            assert run is not None
            assert not run.frozen

    def read_thoroughly(self) -> None:
        """What neither the list nor a task told is found by the sweep of everybody's settings."""
        sweep(self.proxmox, timezone.now() + timedelta(hours=2))
        self.read(2)

    def watch(self, vm: VirtualMachine) -> None:
        """Every other worker that reads of a machine, while alice has its page open."""
        now = timezone.now()
        guests.ask_guests(self.proxmox, now)
        plot = plots.look(vm, "hour", now)
        plots.fetch(self.proxmox, plot.pk, now)
        foreign.read_tasks(self.proxmox, now)
        task_logs.read_due(self.proxmox, now)

    def by_hand(self, method: str, path: str, **asked: Any) -> None:
        """In Proxmox itself, through its API, to the task's end."""
        exit_text = self.boss.task(method, path, **asked)
        assert exit_text == "OK", (method, path, exit_text)

    @contextmanager
    def only_slot(self, vmid: int) -> Iterator[None]:
        """The portal has no other slot to give."""
        with override_settings(PROXMOX_VMID_RANGE=(vmid, vmid)):
            yield

    def new_key(self) -> str:
        """The number of a form."""
        return uuid.uuid4().hex

    def forget(self) -> None:
        """The next sequence begins with nothing of the one before but history."""
        self.shop.work_all()
        known = [vm.pk for vm in self.neighbours]
        VirtualMachine.objects.exclude(pk__in=known).exclude(lifecycle="gone").update(
            lifecycle="gone", gone_at=timezone.now(), vmid=None
        )
        Plot.objects.all().delete()


@contextmanager
def boss_of(pve: DevCluster) -> Iterator[Api]:
    """An administrator of the cluster."""
    token = {"tokenid": "desk", "value": BOSS}
    asked = {"userid": "boss@pve", "tokens": [token], "acl": [{"path": "/", "role": "Administrator"}]}
    pve.control("POST", "/users", asked)
    with Api(pve, f"PVEAPIToken=boss@pve!desk={BOSS}") as api:
        yield api


def cookie(client: Client) -> str:
    """The session of a test's browser, for a socket."""
    return client.cookies[settings.SESSION_COOKIE_NAME].value
