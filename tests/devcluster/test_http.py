"""What lies below every call: who asks, how parameters are checked, how a refusal looks."""

import http.client
import json
import ssl
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.devcluster.api import Api
from tests.devcluster.cluster import DevCluster

QEMU = "/nodes/pve1/qemu"


@pytest.fixture
def api(devcluster: DevCluster) -> Iterator[Api]:
    with Api(devcluster) as api:
        yield api


@pytest.mark.parametrize(
    "header",
    [
        "PVEAPIToken=portal@pve!portal=00000000-0000-4000-8000-000000000000",
        "PVEAPIToken=portal@pve!nope=x",
        "PVEAPIToken=ghost@pve!portal=x",
        "PVEAPIToken=nonsense",
    ],
)
def test_a_wrong_token_is_refused_without_a_body(devcluster: DevCluster, header: str) -> None:
    with Api(devcluster, header) as stranger:
        answer = stranger.send("GET", "/version")
    assert (answer.status, answer.reason, answer.body) == (401, "Authentication failed!", "")


def test_nobody_is_told_that_a_ticket_is_missing(devcluster: DevCluster) -> None:
    with Api(devcluster, "") as nobody:
        assert nobody.send("GET", "/version").reason == "No ticket"
        assert nobody.send("GET", "/access/domains").status == 200


def test_a_refused_sign_in_waits(devcluster: DevCluster) -> None:
    devcluster.control("POST", "/windows", {"auth_delay": 3600})
    with Api(devcluster, "") as nobody, pytest.raises(OSError, match="timed out"):
        nobody.session.get(f"{devcluster.url}/api2/json/version", timeout=0.3)
    devcluster.advance(3600)


def test_a_ticket_needs_the_csrf_token_to_change_anything(devcluster: DevCluster) -> None:
    entry = {"path": "/pool", "role": "PVEPoolAdmin"}
    devcluster.control("POST", "/users", {"userid": "ann@pve", "password": "long enough", "acl": [entry]})
    with Api(devcluster, "") as ann:
        signed_in = ann.done("POST", "/access/ticket", username="ann@pve", password="long enough")
        ann.session.headers["Cookie"] = f"PVEAuthCookie={quote(signed_in['ticket'], safe='')}"
        refused = ann.send("POST", "/pools", poolid="one")
        assert (refused.status, refused.reason) == (401, "Permission denied - invalid csrf token")
        ann.session.headers["CSRFPreventionToken"] = signed_in["CSRFPreventionToken"]
        assert ann.send("POST", "/pools", poolid="one").status == 200


def test_a_wrong_password_is_refused_with_a_body(devcluster: DevCluster) -> None:
    with Api(devcluster, "") as nobody:
        answer = nobody.send("POST", "/access/ticket", username="portal@pve", password="guess")
    assert (answer.status, answer.reason) == (401, "authentication failure")
    assert answer.body["message"] == "authentication failure\n"


def test_unknown_calls_are_not_implemented(api: Api) -> None:
    assert api.send("GET", "/nope").reason == "Method 'GET /nope' not implemented"
    assert api.send("DELETE", "/version").status == 501
    assert api.send("PATCH", "/version").reason == "method 'PATCH' not available"


@pytest.mark.parametrize("word", ["True", "true", "yes", "on", "2"])
def test_only_one_and_zero_are_booleans(api: Api, word: str) -> None:
    answer = api.send("GET", QEMU, full=word)
    assert answer.errors == {"full": f"type check ('boolean') failed - got '{word}'"}


def test_json_bodies_may_say_true(api: Api, devcluster: DevCluster) -> None:
    devcluster.guest(vmid=300, pool="alice")
    assert api.send("PUT", f"{QEMU}/300/config", as_json=True, onboot=True).status == 200
    assert api.get(f"{QEMU}/300/config")["onboot"] == 1


def test_what_no_rule_knows_is_named(api: Api) -> None:
    answer = api.send("GET", "/version", foo="bar")
    assert (answer.status, answer.reason) == (400, "Parameter verification failed.")
    assert answer.errors["foo"].startswith("property is not defined in schema")


def test_a_vmid_in_the_body_must_be_the_one_in_the_path(api: Api, devcluster: DevCluster) -> None:
    devcluster.guest(vmid=300, pool="alice")
    answer = api.send("PUT", f"{QEMU}/300/config", vmid=301, cores=1)
    assert answer.errors == {"vmid": "duplicate parameter (already defined in URI) with conflicting values!"}


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("name", "under_score", "invalid format - value does not look like a valid DNS name\n"),
        ("cores", "0", "value must have a minimum value of 1"),
        ("cores", "many", "type check ('integer') failed - got 'many'"),
        ("description", "x" * 8193, "value may only be 8192 characters long"),
        ("tags", "bad tag!", "invalid format - invalid characters in tag\n"),
        ("sshkeys", "ssh-ed25519 AAAA me", "invalid format - invalid urlencoded string: ssh-ed25519 AAAA me\n"),
    ],
)
def test_bad_options_are_refused_by_name(
    api: Api, devcluster: DevCluster, option: str, value: str, complaint: str
) -> None:
    devcluster.guest(vmid=300, pool="alice")
    assert api.send("PUT", f"{QEMU}/300/config", as_json=False, **{option: value}).errors == {option: complaint}


def raw(cluster: DevCluster, method: str, path: str, body: bytes) -> tuple[int, str, bytes]:
    trust = ssl.create_default_context(cafile=cluster.ca_file)
    connection = http.client.HTTPSConnection(cluster.host, cluster.port, timeout=20, context=trust)
    token = f"PVEAPIToken={cluster.user}!{cluster.token_name}={cluster.token_value}"
    connection.request(method, f"/api2/json{path}", body, {"Authorization": token})
    answer = connection.getresponse()
    found = (answer.status, answer.reason, answer.read())
    connection.close()
    return found


def test_a_delete_with_a_body_is_not_understood(devcluster: DevCluster) -> None:
    assert raw(devcluster, "DELETE", f"{QEMU}/300", b"purge=1")[:2] == (501, "Unexpected content for method 'DELETE'")


def test_half_a_mebibyte_is_too_much(devcluster: DevCluster) -> None:
    assert raw(devcluster, "PUT", f"{QEMU}/300/config", b"x" * 600_000) == (501, "for data too large", b"")


def test_the_reason_phrase_carries_the_sentence_in_utf_8(devcluster: DevCluster) -> None:
    with devcluster.fault("error500", sentence="Gerät “x” fehlt"):
        status, reason, body = raw(devcluster, "GET", "/version", b"")
    assert (status, reason.encode("latin-1").decode()) == (500, "Gerät “x” fehlt")
    assert json.loads(body) == {"data": None, "message": "Gerät “x” fehlt\n"}


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            "/nodes/nope/qemu",
            "hostname lookup 'nope' failed - failed to get address info for: nope: Name or service not known",
        ),
        (f"{QEMU}/555/config", "Permission check failed (/vms/555, VM.Audit)"),
        ("/pools/none", "pool 'none' does not exist"),
    ],
)
def test_what_does_not_exist_has_no_404(api: Api, path: str, sentence: str) -> None:
    answer = api.send("GET", path)
    assert answer.status in (403, 500)
    assert answer.reason == sentence
