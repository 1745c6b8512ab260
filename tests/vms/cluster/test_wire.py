"""What broken, hanging and false hosts make of a read and of a change."""

import gzip
import json
import logging
import socket
import ssl
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from devcluster.tls import ensure_certificates
from tests.children import free_port
from tests.vms.cluster.odd_host import DRIP, DROP, HANG, SECRET, OddHost, cluster_at, good, http
from vms.cluster import Cluster, errors
from vms.cluster.config import ClusterConfig
from vms.cluster.tls import TlsTrust, fingerprint

VERSION = good({"release": "9.2", "version": "9.2.11"})


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One CA for all hosts of this file."""
    folder = tmp_path_factory.mktemp("certificates")
    ensure_certificates(folder, ["pve1"])
    return folder


@pytest.fixture
def host(certificates: Path, request: pytest.FixtureRequest) -> Iterator[OddHost]:
    """A host that gives the answers the test was parametrised with."""
    with OddHost(certificates, *request.param) as host:
        yield host


def answers(*given: bytes) -> pytest.MarkDecorator:
    """The answers of `host`."""
    return pytest.mark.parametrize("host", [given], indirect=True, ids=["host"])


BROKEN = {
    "half JSON": http(200, text='{"data": {"rel'),
    "HTML": http(200, text="<html>Welcome</html>"),
    "empty": http(200, text=""),
    "no data": http(200, {"success": 1}),
    "a list": http(200, []),
    "fewer bytes than promised": VERSION[:-5],
    "redirect": http(302, text="", headers="Location: https://elsewhere.example/\r\n"),
    "too large": http(200, {"data": "x" * 100_001}),
    "no HTTP": b"220 smtp ready\r\n",
    "dropped": DROP,
    "broken gzip": http(200, text="xx", headers="Content-Encoding: gzip\r\n"),
    "nested too deep": http(200, text="[" * 90_000),
}
IN_FRONT = {f"{status} of a proxy": http(status, text="<h1>no</h1>") for status in (404, 502, 503, 504)}
LATE = {"596": http(596, text="", reason="Connection timed out"), "597": http(597, text=""), "599": http(599, text="")}
UNKNOWN = BROKEN | IN_FRONT | LATE


@pytest.mark.parametrize("answer", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_change_whose_answer_is_no_answer_has_an_unknown_outcome_and_is_sent_once(
    certificates: Path, answer: bytes
) -> None:
    with OddHost(certificates, answer) as host:
        cluster = cluster_at(host, host, answer_s=0.5)

        with pytest.raises(errors.OutcomeUnknown):
            cluster.create_pool("p")

    assert host.asked == ["POST /api2/json/pools HTTP/1.1"]


@pytest.mark.parametrize("answer", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_a_read_whose_answer_is_no_answer_is_unreachable(certificates: Path, answer: bytes) -> None:
    with OddHost(certificates, answer) as host, pytest.raises(errors.Unreachable):
        cluster_at(host, answer_s=0.5).version()

    assert 1 <= len(host.asked) <= 2


@answers(http(200, text='{"data": {"rel'), VERSION)
def test_a_read_is_asked_again_after_a_broken_answer(host: OddHost) -> None:
    assert cluster_at(host).version().release == "9.2"


@answers(DROP, VERSION)
def test_a_read_is_asked_again_after_a_dropped_connection(host: OddHost) -> None:
    assert cluster_at(host).version().numbers == (9, 2)


@pytest.mark.parametrize("silence", [HANG, DRIP], ids=["hang", "drip"])
def test_a_silent_host_costs_a_read_one_time_out_and_a_change_its_answer(certificates: Path, silence: bytes) -> None:
    with OddHost(certificates, silence) as host:
        cluster = cluster_at(host, answer_s=0.3)

        with pytest.raises(errors.TimedOut):
            cluster.version()
        with pytest.raises(errors.OutcomeUnknown):
            cluster.create_pool("p")

    assert len(host.asked) == 2


def test_the_call_after_a_silent_host_goes_to_the_next(certificates: Path) -> None:
    with OddHost(certificates, HANG) as silent, OddHost(certificates, VERSION) as well:
        cluster = cluster_at(silent, well, answer_s=0.3)

        with pytest.raises(errors.TimedOut):
            cluster.version()
        assert cluster.version().release == "9.2"


def test_nothing_listening_is_unreachable_and_the_next_host_is_asked(certificates: Path) -> None:
    with OddHost(certificates, good(None)) as host:
        cluster = cluster_at(("127.0.0.1", free_port()), host)

        cluster.create_pool("p")
        cluster.create_pool("q")

    assert host.asked == ["POST /api2/json/pools HTTP/1.1"] * 2


def test_every_host_is_named_when_none_answers(certificates: Path) -> None:
    with OddHost(certificates, VERSION) as host:
        pass
    other = ("127.0.0.1", free_port())

    with pytest.raises(errors.Unreachable) as caught:
        cluster_at(host, other).create_pool("p")

    assert f"127.0.0.1:{host.address[1]}: No connection" in caught.value.sentence
    assert f"127.0.0.1:{other[1]}: No connection" in caught.value.sentence


def test_a_host_that_takes_connections_but_speaks_no_tls_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as mute:
        config = ClusterConfig((mute.getsockname(),), "portal@pve", "portal", SECRET, connect_timeout_s=0.2)

        with pytest.raises(errors.Unreachable, match="No connection within"):
            Cluster(config).create_pool("p")


@pytest.mark.parametrize("status", [595])
def test_595_ran_nowhere_so_the_next_host_is_asked(certificates: Path, status: int) -> None:
    refused = http(status, text="", reason="Connection refused")
    with OddHost(certificates, refused) as one, OddHost(certificates, good(None)) as other:
        cluster_at(one, other).create_pool("p")

    assert (len(one.asked), len(other.asked)) == (1, 1)


@answers(http(500, {"data": None, "message": "got no worker upid - start worker failed\n"}), good(None))
def test_a_worker_that_could_not_be_started_is_asked_for_once_more(host: OddHost) -> None:
    cluster_at(host).create_pool("p")

    assert len(host.asked) == 2


def test_another_cas_certificate_is_refused_before_anything_is_said(certificates: Path, tmp_path: Path) -> None:
    foreign = ensure_certificates(tmp_path, ["pve1"])
    with OddHost(certificates, VERSION) as host:
        cluster = cluster_at(host, trust=TlsTrust(str(foreign.ca_file)))

        with pytest.raises(errors.CertificateRefused, match="certificate was refused"):
            cluster.version()

    assert host.asked == []


def test_a_certificate_for_another_name_is_refused(certificates: Path) -> None:
    with (
        OddHost(certificates, VERSION, name="127.0.0.2") as host,
        pytest.raises(errors.CertificateRefused, match=r"not valid for '127.0.0.2'"),
    ):
        cluster_at(host).version()

    assert host.asked == []


def test_a_pinned_fingerprint_replaces_the_ca_and_no_other_certificate_passes(certificates: Path) -> None:
    with OddHost(certificates, VERSION) as host:
        pem = host.files.cert_file.read_text().split("-----END CERTIFICATE-----")[0]
        pin = fingerprint(ssl.PEM_cert_to_DER_cert(pem + "-----END CERTIFICATE-----"))

        assert cluster_at(host, trust=TlsTrust(fingerprints=(pin.lower(),))).version().release == "9.2"
        with pytest.raises(errors.CertificateRefused, match="fingerprint"):
            cluster_at(host, trust=TlsTrust(fingerprints=("AB" + pin[2:],))).version()

    assert len(host.asked) == 1


def test_a_ca_file_that_is_none_is_named(certificates: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("no certificate")
    with OddHost(certificates, VERSION) as host:
        for name in ("absent.pem", "empty.pem"):
            with pytest.raises(errors.CertificateRefused, match=name):
                cluster_at(host, trust=TlsTrust(str(tmp_path / name))).version()


@answers(VERSION)
def test_reads_share_a_connection_and_changes_have_their_own(host: OddHost) -> None:
    cluster = cluster_at(host)

    for _ in range(3):
        cluster.version()
    assert host.connections == 1
    cluster.create_pool("p")
    assert host.connections == 2
    cluster.close()


def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(certificates: Path) -> None:
    closing = VERSION.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with OddHost(certificates, closing) as host:
        cluster = cluster_at(host)

        assert [cluster.version().release for _ in range(3)] == ["9.2"] * 3

    assert (len(host.asked), host.connections) == (3, 3)


def test_a_packed_answer_is_unpacked_and_a_bomb_is_not(certificates: Path) -> None:
    def packed(value: object) -> bytes:
        content = gzip.compress(json.dumps({"data": value}).encode())
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(content)}\r\n\r\n"
        return head.encode() + content

    with OddHost(certificates, packed({"release": "8.4"}), packed("x" * 10_000_000)) as host:
        cluster = cluster_at(host)

        assert cluster.version().release == "8.4"
        with pytest.raises(errors.Unreachable, match="larger"):
            cluster.version()


@answers(http(500, {"data": None, "message": "Gerät 'ß' fehlt\nzweite Zeile\n"}, reason="Ger"))
def test_the_whole_sentence_arrives_in_its_own_alphabet(host: OddHost) -> None:
    with pytest.raises(errors.Refused) as caught:
        cluster_at(host).create_pool("p")

    assert caught.value.sentence == "Gerät 'ß' fehlt\nzweite Zeile"


@answers(http(500, text='{"data":null}', reason="pool 'p' already exists"))
def test_a_release_without_messages_says_it_in_the_reason(host: OddHost) -> None:
    with pytest.raises(errors.AlreadyExists, match="already exists"):
        cluster_at(host).create_pool("p")


@answers(http(401, text="", reason="Authentication failed!"))
def test_a_refused_token_is_denied_and_its_secret_is_nowhere(host: OddHost, caplog: pytest.LogCaptureFixture) -> None:
    cluster = cluster_at(host)
    caplog.set_level(logging.DEBUG)

    with pytest.raises(errors.Denied) as caught:
        cluster.create_pool("p", "a comment nobody needs to log")

    told = "".join(traceback.format_exception(caught.value)) + repr(cluster.config) + repr(cluster) + caplog.text
    assert SECRET not in told
    assert "nobody needs" not in caplog.text
    assert caught.value.__cause__ is None


@answers(b"HTTP/1.1 401 Authentication failed!\r\nConnection: close\r\n\r\n")
def test_an_empty_refusal_without_a_length_ends_with_its_connection(host: OddHost) -> None:
    with pytest.raises(errors.Denied, match="Authentication failed!") as caught:
        cluster_at(host).version()

    assert caught.value.status == 401


@answers(VERSION.replace(b"\r\n\r\n", b"\r\nConnection: close\r\nConnection: Keep-Alive\r\n\r\n"))
def test_of_two_words_about_the_connection_the_first_counts(host: OddHost) -> None:
    cluster = cluster_at(host)

    assert [cluster.version().release for _ in range(3)] == ["9.2"] * 3
    assert host.connections == 3


@answers(VERSION)
def test_the_environments_proxy_and_ca_are_not_used(host: OddHost, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")

    assert cluster_at(host).version().release == "9.2"


@pytest.mark.parametrize("node", ["", "..", "pve1/../x", "pve 1", "pve1?x", "pve1\r\nX: y", "pve1#"])
@answers(VERSION)
def test_a_name_that_would_change_the_path_is_refused_unsent(host: OddHost, node: str) -> None:
    with pytest.raises(errors.Refused):
        cluster_at(host).guest_config(node, 100)

    assert host.asked == []


@answers(VERSION)
def test_many_threads_share_one_client(host: OddHost) -> None:
    cluster, found = cluster_at(host), list[str]()

    def ask(cluster: Cluster) -> None:
        found.extend(cluster.version().release for _ in range(5))

    threads = [threading.Thread(target=ask, args=(cluster,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert found == ["9.2"] * 40
    assert len(cluster.line._clients) == 1
    cluster.close()
