"""Builds a situation, makes the recorded call in it and compares what comes back."""

import http.client
import json
import re
import ssl
import urllib.parse
from dataclasses import dataclass
from typing import Any

from tests.devcluster.cluster import DevCluster
from tests.devcluster.recorded import permissions
from tests.devcluster.recorded.lab import PASSWORD, SECRETS
from tests.devcluster.recorded.rows import Names, Row
from tests.devcluster.recorded.shapes import difference, shape
from tests.devcluster.recorded.situations import parents, situation

WRONG_TOKENS = {
    "auth.token.wrongsecret": "PVEAPIToken=admin@pve!portal=99999999-1111-4222-8333-444444444444",
    "auth.token.unknown_tokenid": f"PVEAPIToken=admin@pve!nope={SECRETS}",
    "auth.token.unknown_user": f"PVEAPIToken=ghost@pve!portal={SECRETS}",
    "auth.token.badrealm": f"PVEAPIToken=admin@nowhere!portal={SECRETS}",
    "auth.token.malformed": "PVEAPIToken=portal",
    "token.wrong": "PVEAPIToken=admin@pve!portal=99999999-1111-4222-8333-444444444444",
    "token.unknown": f"PVEAPIToken=admin@pve!nope={SECRETS}",
    "token.unknown_user": f"PVEAPIToken=ghost@pve!portal={SECRETS}",
}


# Tasks recorded under another name than the call they belong to.
PARENTS = {"d.tasklog": "qemu.delete.111", "s.tasklog": "qemu.stop.111", "vncproxy.running_task": "vncproxy.x"}


@dataclass(frozen=True)
class Verdict:
    row: Row
    difference: str


@dataclass(frozen=True)
class Heard:
    status: int
    reason: str
    body: Any


class Player:
    """Plays the rows of one release against one stand-in."""

    def __init__(self, cluster: DevCluster, rows: list[Row], names: Names) -> None:
        self.cluster = cluster
        self.rows = rows
        self.names = names
        self._by_name = parents(rows)
        trust = ssl.create_default_context(cafile=cluster.ca_file)
        self._connection = http.client.HTTPSConnection(cluster.host, cluster.port, timeout=60, context=trust)
        permissions.learn(rows)

    def __enter__(self) -> "Player":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def play_all(self) -> list[Verdict]:
        return [verdict for row in self.rows if (verdict := self.play(row)) is not None]

    def play(self, row: Row) -> Verdict | None:
        """None for the task of a call that was not recorded itself."""
        if not row.is_of_task and row.name not in PARENTS:
            self._build(row)
            return Verdict(row, self._compare(row, self._call(row)))
        parent = self._by_name.get((row.release, PARENTS.get(row.name, row.name.rpartition(".")[0])))
        parent = parent or self._by_name.get((row.release, f"{row.name.rpartition('.')[0]}.0"))
        if parent is None or parent.status != 200:
            parent = self._last_success(row)
        if parent is None:
            return None
        self._build(parent)
        return Verdict(row, self._compare_task(row, parent))

    def _last_success(self, row: Row) -> Row | None:
        """The attempt of a chain that was granted."""
        stem = row.name.rpartition(".")[0]
        chain = [one for one in self.rows if one.stem == stem and one.status == 200 and not one.is_of_task]
        return chain[-1] if chain else None

    def _build(self, row: Row) -> None:
        lab = situation(row)
        self.cluster.control("POST", "/scene", lab.scene(self.names))
        for method, path, params in lab.before:
            who = self._headers(row) if lab.before_as_caller else self._who("admin@pve!portal")
            heard = self._send(method, path, params, who)
            if heard.status == 200 and not path.endswith(("shutdown", "vncproxy")) and "clone_claim" not in lab.windows:
                self._await(heard)

    def _await(self, heard: Heard) -> None:
        upid = _upid(heard)
        self.cluster.wait_until(
            lambda state: all(job["exitstatus"] for job in state["jobs"] if job["upid"] == upid), parts="jobs"
        )

    # identities

    def _who(self, authid: str) -> dict[str, str]:
        return {"Authorization": f"PVEAPIToken={self.names.text(authid)}={SECRETS}"}

    def _headers(self, row: Row) -> dict[str, str]:
        if row.name in WRONG_TOKENS:
            return {"Authorization": self.names.text(WRONG_TOKENS[row.name])}
        if row.auth == "none":
            return {}
        if row.auth.startswith("ticket") or row.auth == "b":
            return self._ticket_headers(row)
        return self._who(self._token(row))

    def _token(self, row: Row) -> str:
        if row.name.startswith("perm."):
            return "alice@pve!nosep" if "nosep" in row.name else "alice@pve!sep"
        if row.name.startswith("minperm."):
            return "svc@pve!portal"
        if row.name.startswith("rec.") and row.name != "rec.role":
            return "svc2@pve!portal"
        return "root@pam!lab" if "root" in row.name else "admin@pve!portal"

    def _ticket_headers(self, row: Row) -> dict[str, str]:
        if row.auth in ("ticket-bad", "b"):
            return {"Cookie": "PVEAuthCookie=PVE:admin@pve:00000000::nonsense"}
        userid = "alice@pve" if row.name.startswith("perm.") else "admin@pve"
        heard = self._send("POST", "/access/ticket", {"username": userid, "password": PASSWORD}, {})
        data = heard.body["data"]
        headers = {"Cookie": f"PVEAuthCookie={urllib.parse.quote(data['ticket'], safe='')}"}
        if row.auth == "ticket-badcsrf":
            headers["CSRFPreventionToken"] = "00000000:nonsense"
        elif row.auth == "ticket":
            headers["CSRFPreventionToken"] = data["CSRFPreventionToken"]
        return headers

    # calls

    def _call(self, row: Row) -> Heard:
        params = dict(row.params)
        if params.get("password") == "SECRET":
            params["password"] = PASSWORD
        as_json = row.name in (
            "auth.ticket.json_body",
            "http.json_body_types",
            "http.json_bool_true",
            "http.json_array",
        )
        if row.name == "http.double_param":
            params = {"vmid": 100 + self.names.vmid_offset, "cores": 1}
        return self._send(row.method, row.path, params, self._headers(row), as_json=as_json)

    def _send(
        self,
        method: str,
        path: str,
        params: dict[str, Any],
        headers: dict[str, str],
        *,
        as_json: bool = False,
        verbatim: bool = False,
    ) -> Heard:
        given = self.names.params(params)
        target = "/api2/json" + urllib.parse.quote(path if verbatim else self.names.path(path), safe="/:@!")
        body: bytes | None = None
        if method in ("GET", "DELETE"):
            target += f"?{urllib.parse.urlencode(given, doseq=True)}" if given else ""
        elif as_json:
            body, headers = json.dumps(given).encode(), {**headers, "Content-Type": "application/json"}
        else:
            body = urllib.parse.urlencode(given, doseq=True).encode()
            headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request(method, target, body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        return Heard(answer.status, answer.reason.encode("latin-1").decode(), json.loads(text) if text else "")

    # comparisons

    def _compare(self, row: Row, heard: Heard) -> str:
        wanted = self.names.sentence(row.reason)
        if (heard.status, _without_moments(heard.reason)) != (row.status, _without_moments(wanted)):
            return f"{row.status} {wanted!r} became {heard.status} {heard.reason!r} {_errors(heard.body)}"
        if row.status != 200:
            return _compare_refusal(row, heard, self.names)
        return difference(shape(self._plain(row.body)), shape(heard.body))

    def _plain(self, body: Any) -> Any:
        """A recorded body under the other names, where names are keys."""
        return json.loads(self.names.sentence(json.dumps(body))) if isinstance(body, dict) else body

    def _compare_task(self, row: Row, parent: Row) -> str:
        heard = self._call(parent)
        if heard.status != 200:
            return f"the call before answered {heard.status} {heard.reason!r}"
        self._await_unless_running(row, heard)
        part = "log" if row.path.endswith("/log") else "status"
        path = f"/nodes/{self.names.text('pve1')}/tasks/{_upid(heard)}/{part}"
        found = self._send("GET", path, row.params, self._who("admin@pve!portal"), verbatim=True)
        if (found.status, found.reason) != (row.status, row.reason):
            return f"{row.status} {row.reason!r} became {found.status} {found.reason!r}"
        if part == "status" and isinstance(row.body["data"], dict):
            wanted = self.names.sentence(str(row.body["data"].get("exitstatus")))
            got = str(found.body["data"].get("exitstatus"))
            if _without_places(wanted) != _without_places(got):
                return f"exit {wanted!r} became {got!r}"
        return difference(shape(row.body), shape(found.body))

    def _await_unless_running(self, row: Row, heard: Heard) -> None:
        if row.body["data"] and "exitstatus" not in row.body["data"] and row.path.endswith("/status"):
            return
        self._await(heard)


def _without_places(text: str) -> str:
    """Where images lie on a node's disk is the node's business."""
    return re.sub(r"/\S+/images/", "", text)


def _without_moments(text: str) -> str:
    """When a measurement began is not when the recorded one did."""
    return re.sub(r"(start|end) \(\d{10}\)", r"\1 (a moment)", text)


def _upid(heard: Heard) -> str:
    data = heard.body["data"]
    return str(data["upid"] if isinstance(data, dict) else data)


def _errors(body: Any) -> str:
    return str(body.get("errors", "")) if isinstance(body, dict) else ""


def _compare_refusal(row: Row, heard: Heard, names: Names) -> str:
    if not isinstance(row.body, dict):
        return "" if heard.body == "" else f"no body became {heard.body}"
    if not isinstance(heard.body, dict):
        return "a body became none"
    wanted = {key: names.sentence(str(text)) for key, text in (row.body.get("errors") or {}).items()}
    got = {key: str(text) for key, text in (heard.body.get("errors") or {}).items()}
    return "" if wanted == got else f"errors {wanted} became {got}"
