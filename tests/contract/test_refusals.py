"""Each error class that can be provoked on a cluster that works."""

from dataclasses import replace
from pathlib import Path

import pytest

from devcluster.tls import ensure_certificates
from tests.children import free_port
from tests.contract.target import Target
from vms.cluster import Cluster, errors
from vms.cluster.tls import TlsTrust
from vms.cluster.types import GuestChanges, GuestRef, Upid

pytestmark = [pytest.mark.contract]
OTHER_UUID = "00000000-1111-4222-8333-444444444444"
VERBS = ["start", "stop", "shutdown", "reboot", "reset", "suspend", "resume", "delete", "console_endpoint"]


@pytest.mark.parametrize("verb", VERBS)
def test_another_uuid_in_the_slot_stops_every_verb(target: Target, machine: GuestRef, verb: str) -> None:
    with pytest.raises(errors.WrongMachine) as caught:
        getattr(target.cluster, verb)(replace(machine, uuid=OTHER_UUID))

    assert (caught.value.expected, caught.value.found) == (OTHER_UUID, machine.uuid)


@pytest.mark.parametrize("poolid", ["", "another-pool", "vmportal-contract-nowhere"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_machine_outside_the_pool_named_stops_every_verb(
    target: Target, machine: GuestRef, verb: str, poolid: str
) -> None:
    with pytest.raises((errors.NotBound, errors.Denied)):
        getattr(target.cluster, verb)(replace(machine, poolid=poolid))


def test_a_machine_that_never_was_is_told_apart(target: Target, machine: GuestRef) -> None:
    nobody = replace(machine, vmid=target.free_vmid())

    with pytest.raises((errors.NoSuchGuest, errors.NotBound)):
        target.cluster.start(nobody)
    with pytest.raises((errors.NoSuchGuest, errors.Denied)):
        target.cluster.guest_config(nobody.node, nobody.vmid)


def test_a_slot_outside_the_range_is_refused_unsent(target: Target) -> None:
    narrow = Cluster(replace(target.cluster.config, vmid_range=(200, 299), hosts=(("127.0.0.1", free_port()),)))

    with pytest.raises(errors.Refused, match="outside"):
        narrow.create(target.new_guest())


def test_a_pool_that_is_not_there_takes_no_machine(target: Target) -> None:
    with pytest.raises(errors.NotBound):
        target.cluster.create(target.new_guest(poolid="vmportal-contract-nowhere"))


def test_a_pools_name_is_given_once(target: Target) -> None:
    with pytest.raises(errors.AlreadyExists):
        target.cluster.create_pool(target.poolid)


def test_a_pool_with_machines_is_not_removed(target: Target, machine: GuestRef) -> None:
    with pytest.raises(errors.Refused, match="not empty"):
        target.cluster.delete_pool(target.poolid)


def test_a_name_that_is_none_is_refused_with_its_field(target: Target, machine: GuestRef) -> None:
    with pytest.raises(errors.Refused) as caught:
        target.cluster.configure(machine, GuestChanges(name="under_score"))

    assert list(caught.value.fields) == ["name"]


def test_a_storage_that_is_not_there_is_refused(target: Target) -> None:
    with pytest.raises((errors.Refused, errors.Denied)):
        target.cluster.create(target.new_guest(storage="nowhere-storage"))


def test_a_busy_machine_is_locked(target: Target, running: GuestRef) -> None:
    shutdown = target.cluster.shutdown(running, timeout_s=40)
    if not target.cluster.task_status(shutdown).running:
        pytest.skip("the guest heeds a shutdown at once")

    with pytest.raises(errors.GuestLocked) as caught:
        target.cluster.configure(running, GuestChanges(cores=2))

    assert caught.value.lock == "config"


def test_a_task_that_never_was_is_not_known(target: Target) -> None:
    nobody = Upid(target.node, 1, 1, 1, "qmstart", "100", target.cluster.config.token_id)

    with pytest.raises(errors.NoSuchTask):
        target.cluster.task_status(nobody)
    assert target.cluster.task_log(nobody) == ()


def test_a_node_that_never_was_is_unreachable_or_denied(target: Target) -> None:
    with pytest.raises((errors.Unreachable, errors.Denied)):
        target.cluster.guest_status("nowhere", 100)


def test_a_wrong_token_is_denied(target: Target) -> None:
    wrong = Cluster(replace(target.cluster.config, token_value=OTHER_UUID))

    with pytest.raises(errors.Denied) as caught:
        wrong.version()

    assert caught.value.status == 401


def test_a_certificate_of_somebody_else_is_refused(target: Target, tmp_path: Path) -> None:
    foreign = TlsTrust(str(ensure_certificates(tmp_path, ["x"]).ca_file))

    for trust in (foreign, TlsTrust(fingerprints=(":".join(["AB"] * 32),))):
        with pytest.raises(errors.CertificateRefused):
            Cluster(replace(target.cluster.config, trust=trust)).version()


def test_a_host_that_is_down_is_unreachable_and_the_next_is_asked(target: Target) -> None:
    dead = ("127.0.0.1", free_port())

    with pytest.raises(errors.Unreachable):
        Cluster(replace(target.cluster.config, hosts=(dead,))).create_pool("never")
    both = Cluster(replace(target.cluster.config, hosts=(dead, *target.cluster.config.hosts)))
    assert both.version() == target.cluster.version()
    both.close()


def test_a_right_that_was_taken_is_denied(target: Target, machine: GuestRef) -> None:
    if target.dev is None:
        pytest.skip("rights are only taken from the stand-in's token")

    with target.dev.fault("narrow_token", paths=["/pool"]), pytest.raises((errors.Denied, errors.NotBound)):
        target.cluster.start(machine)


def test_an_answer_that_is_lost_leaves_the_outcome_open(target: Target, machine: GuestRef) -> None:
    if target.dev is None:
        pytest.skip("answers are only lost on the stand-in")

    for kind in ("lose_before", "lose_after", "cut_mid_answer"):
        match = {"method": "POST", "path_regex": "status/start$"}
        with target.dev.fault(kind, match=match, times=1), pytest.raises(errors.OutcomeUnknown):
            target.cluster.start(machine)
    target.dev.wait_until(lambda state: state["guests"][str(machine.vmid)]["status"] == "running", parts="guests")


def test_a_node_that_is_down_or_hangs_is_told_apart(target: Target, machine: GuestRef) -> None:
    if target.dev is None:
        pytest.skip("nodes are only taken down on the stand-in")

    others = [node.name for node in target.reading.nodes if node.name != machine.node]
    with target.dev.fault("node_down", node=others[0]), pytest.raises(errors.Unreachable):
        target.cluster.guest_status(others[0], machine.vmid)
    with target.dev.fault("node_hang", node=others[0]), pytest.raises(errors.TimedOut):
        target.cluster.guest_status(others[0], machine.vmid)


def test_a_locked_machine_names_its_lock(target: Target, machine: GuestRef) -> None:
    if target.dev is None:
        pytest.skip("a lock is only set on the stand-in")

    with target.dev.fault("locked", vmid=machine.vmid, lock="backup"), pytest.raises(errors.GuestLocked) as caught:
        target.cluster.configure(machine, GuestChanges(cores=2))

    assert caught.value.lock == "backup"
