import pytest

from vms.cluster import errors
from vms.cluster.answers import LostAnswer, refusal

SORTED = [
    (401, "Authentication failed!", errors.Denied),
    (403, "Permission check failed (/vms/100, VM.Audit)", errors.Denied),
    (403, "Permission check failed (pool 'nopool' does not exist)", errors.NotBound),
    (400, "Parameter verification failed.", errors.Refused),
    (500, "update pools failed: 403 Permission check failed (/pool/p1, Pool.Allocate)", errors.Denied),
    (500, "only root can set 'lock' config", errors.Denied),
    (500, "ACL update failed: 400 Parameter verification failed.", errors.Refused),
    (500, "Configuration file 'nodes/pve1/qemu-server/555.conf' does not exist", errors.NoSuchGuest),
    (500, "unable to find configuration file for VM 555 on node 'pve1'", errors.NoSuchGuest),
    (500, "storage 'nostore' does not exist", errors.Refused),
    (500, "create pool failed: parent 'zz' of pool 'zz/sub' does not exist", errors.Refused),
    (500, "no such cluster node 'pve9'", errors.Unreachable),
    (500, "pool 'none' does not exist", errors.NotBound),
    (500, "VM is locked (backup)", errors.GuestLocked),
    (500, "can't lock file '/var/lock/qemu-server/lock-131.conf' - got timeout", errors.GuestLocked),
    (500, "unable to create VM 171 - VM 171 already exists on node 'pve1'", errors.AlreadyExists),
    (500, "unable to create VM 170: config file already exists", errors.AlreadyExists),
    (500, "create pool failed: pool 'p1' already exists", errors.AlreadyExists),
    (500, "checksum mismatch (file change by other user?)", errors.ConfigChanged),
    (500, "cluster not ready - no quorum?", errors.Refused),
    (500, "hostname lookup 'nope' failed - failed to get address info for: nope", errors.Unreachable),
    (500, "VM 100 qmp command 'device_add' failed - got timeout", LostAnswer),
    (500, "VM 100 not running", errors.Refused),
    (501, "Method 'GET /nope' not implemented", errors.Refused),
    (501, "for data too large", errors.Refused),
    (595, "No route to host", errors.Unreachable),
    (596, "Connection timed out", LostAnswer),
    (599, "Too many redirections", LostAnswer),
    (404, "Not Found", LostAnswer),
    (502, "Bad Gateway", LostAnswer),
    (503, "Service Unavailable", LostAnswer),
]


@pytest.mark.parametrize(("status", "sentence", "kind"), SORTED)
def test_each_answer_has_its_error(status: int, sentence: str, kind: type[Exception]) -> None:
    found = refusal(status, sentence, {})

    assert type(found) is kind
    assert found.status == status


def test_a_lock_is_named() -> None:
    found = refusal(500, "VM is locked (snapshot-delete)", {})

    assert isinstance(found, errors.GuestLocked)
    assert found.lock == "snapshot-delete"


def test_a_bad_parameter_is_named() -> None:
    found = refusal(400, "Parameter verification failed.", {"cores": "type check failed"})

    assert isinstance(found, errors.Refused)
    assert found.fields == {"cores": "type check failed"}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [({"upid": "no such task"}, errors.NoSuchTask), ({"vmid": "VM 100 already exists"}, errors.AlreadyExists)],
)
def test_what_is_wrong_with_a_parameter_decides(fields: dict[str, str], kind: type[Exception]) -> None:
    assert type(refusal(400, "Parameter verification failed.", fields)) is kind
