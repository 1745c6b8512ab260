"""Calls of a stand-in's API as the portal's token, or anybody else, makes them."""

import json
from dataclasses import dataclass
from typing import Any

import requests

from tests.devcluster.cluster import DevCluster


@dataclass(frozen=True)
class Answer:
    """Status, reason phrase and parsed body ("" if there was none)."""

    status: int
    reason: str
    body: Any

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def errors(self) -> dict[str, str]:
        found: dict[str, str] = self.body.get("errors", {})
        return found


class Api:
    """One caller. `send` gives every answer back, also those that refuse."""

    def __init__(self, cluster: DevCluster, authorization: str | None = None) -> None:
        self.cluster = cluster
        token = f"PVEAPIToken={cluster.user}!{cluster.token_name}={cluster.token_value}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = cluster.ca_file
        self.session.headers["Authorization"] = token if authorization is None else authorization

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def send(self, method: str, path: str, *, as_json: bool = False, **params: Any) -> Answer:
        """Parameters go into the query of GET and DELETE, else into the body. `__` in a name is a dash."""
        given = {name.replace("__", "-"): value for name, value in params.items()}
        in_query = method in ("GET", "DELETE")
        response = self.session.request(
            method,
            f"{self.cluster.url}/api2/json{path}",
            params=given if in_query else None,
            data=None if in_query or as_json else given,
            json=given if as_json else None,
            timeout=60,
        )
        body = json.loads(response.content) if response.content else ""
        return Answer(response.status_code, response.reason.encode("latin-1").decode(), body)

    def get(self, path: str, **params: Any) -> Any:
        """The data of an answer that must be 200."""
        return self.done("GET", path, **params)

    def done(self, method: str, path: str, **params: Any) -> Any:
        answer = self.send(method, path, **params)
        assert answer.status == 200, f"{method} {path}: {answer}"
        return answer.data

    def task(self, method: str, path: str, **params: Any) -> str:
        """Start a worker and wait for its end; the exit status."""
        return self.end_of(self.done(method, path, **params))

    def end_of(self, upid: str) -> str:
        found = self.cluster.wait_until(
            lambda state: any(job["upid"] == upid and job["exitstatus"] for job in state["jobs"]), parts="jobs"
        )
        return next(str(job["exitstatus"]) for job in found["jobs"] if job["upid"] == upid)
