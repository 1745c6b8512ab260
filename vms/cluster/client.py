"""The only door to Proxmox: methods in our words, typed facts out, errors of `vms.cluster.errors`.

Every call that changes or shows a machine takes a GuestRef and first compares, with what Proxmox shows now, that the
machine in the slot has the smbios uuid meant and is a member of the bound pool named; whatever the token may do.
"""

import logging
import os
import re
import threading
from collections.abc import Callable
from typing import Any

from django.conf import settings
from proxmoxer import ProxmoxAPI, ResourceException
from requests import RequestException

from vms.cluster.answers import NO_WORKER, LostAnswer, refusal
from vms.cluster.changing import Changes
from vms.cluster.config import ClusterConfig, Host
from vms.cluster.consoles import Consoles
from vms.cluster.errors import (
    CertificateRefused,
    ClusterError,
    Malformed,
    NotConfigured,
    OutcomeUnknown,
    Refused,
    TimedOut,
    Unreachable,
)
from vms.cluster.line import Answer, Value
from vms.cluster.tls import TlsTrust
from vms.cluster.watching import Watching
from vms.cluster.wire import Wire

PART = re.compile(r"[A-Za-z0-9@!:._+-]+")

for _name in ("proxmoxer", "proxmoxer.core", "proxmoxer.backends.https"):
    logging.getLogger(_name).setLevel(logging.WARNING)  # at INFO they write down whole bodies


class ProxmoxLine:
    """proxmoxer against the configured hosts: one client for each, made when first needed and kept."""

    def __init__(self, config: ClusterConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._clients: dict[Host, Any] = {}
        self._wires: list[Wire] = []
        self._preferred = 0
        self.requests = 0

    def get(self, *parts: str | int, **parameters: Value) -> Any:
        """Read from the first host that answers; one that fails at once is asked once more."""
        return self._anywhere(lambda host: self._read(host, parts, parameters)).content

    def change(
        self, method: str, *parts: str | int, options: dict[str, Value] | None = None, host: Host | None = None
    ) -> Answer:
        """Send once. The next host is tried only where nothing ran."""
        if host is not None:
            try:
                return self._write(host, method, parts, options or {})
            except Unreachable as error:
                raise _together((host,), 0, [error]) from None
        return self._anywhere(lambda each: self._write(each, method, parts, options or {}))

    def close(self) -> None:
        """Close idle connections."""
        for wire in self._wires:
            wire.close()

    def _anywhere(self, ask: Callable[[Host], Answer]) -> Answer:
        hosts, failures = self.config.hosts, list[Unreachable]()
        first = self._preferred
        for step in range(len(hosts)):
            index = (first + step) % len(hosts)
            try:
                answer = ask(hosts[index])
            except (TimedOut, OutcomeUnknown) as error:
                self._preferred = index if error.status else (index + 1) % len(hosts)  # a silent host is left alone
                raise
            except Unreachable as error:
                failures.append(error)
            else:
                self._preferred = index
                return answer
        raise _together(hosts, first, failures)

    def _read(self, host: Host, parts: tuple[str | int, ...], parameters: dict[str, Value]) -> Answer:
        try:
            try:
                return self._ask(host, "GET", parts, parameters)
            except LostAnswer as lost:
                if not lost.may_repeat:
                    raise
                return self._ask(host, "GET", parts, parameters)
        except LostAnswer as lost:
            raise _unread(lost) from None

    def _write(self, host: Host, method: str, parts: tuple[str | int, ...], options: dict[str, Value]) -> Answer:
        try:
            return self._ask(host, method, parts, options)
        except LostAnswer as lost:
            raise OutcomeUnknown(lost.sentence, status=lost.status) from None
        except Refused as error:
            if NO_WORKER not in error.sentence:
                raise
            if parts[-1] == "qemu":  # a create leaves an empty machine behind when this happens
                raise OutcomeUnknown(error.sentence, status=error.status) from None
        try:
            return self._ask(host, method, parts, options)
        except LostAnswer as lost:
            raise OutcomeUnknown(lost.sentence, status=lost.status) from None

    def _ask(self, host: Host, method: str, parts: tuple[str | int, ...], options: dict[str, Value]) -> Answer:
        path = [str(part) for part in parts]
        if not all(PART.fullmatch(part) and part.strip(".") for part in path):
            raise Refused(f"{'/'.join(path)!r} is no path of Proxmox.")
        call = getattr(self._client(host)(path), method.lower())
        with self._lock:
            self.requests += 1
        sent = {name: int(value) if isinstance(value, bool) else value for name, value in options.items()}
        try:
            return Answer(call(**sent), host)
        except RequestException as error:  # of its own accord, before anything is sent
            raise Unreachable(f"The address cannot be used ({type(error).__name__}).") from None
        except ResourceException as error:
            raise refusal(error.status_code, str(error.content or ""), dict(error.errors or {})) from None

    def _client(self, host: Host) -> Any:
        with self._lock:
            if host not in self._clients:
                self._clients[host] = self._new_client(host)
            return self._clients[host]

    def _new_client(self, host: Host) -> Any:
        config = self.config
        wire = Wire(config.trust, most_answer_bytes=config.most_answer_bytes)
        api = ProxmoxAPI(
            host[0],
            port=host[1],
            user=config.user,
            token_name=config.token_name,
            token_value=config.token_value,
            timeout=(config.connect_timeout_s, config.read_timeout_s),
            verify_ssl=True,
        )
        session = api._store["session"]  # proxmoxer offers no other way to what it sends through
        session.mount("https://", wire)
        session.trust_env = False
        session.headers["Accept-Encoding"] = "gzip"
        self._wires.append(wire)
        return api


def _unread(lost: LostAnswer) -> Unreachable:
    """What a lost answer is to a read: what came at once may come well from another host."""
    if not lost.may_repeat and (lost.status is None or lost.status >= 500):
        return TimedOut(lost.sentence, status=lost.status)
    return (Malformed if lost.status else Unreachable)(lost.sentence, status=lost.status)


def _together(hosts: tuple[Host, ...], first: int, failures: list[Unreachable]) -> ClusterError:
    """One error for all hosts; a certificate's or a garbled answer's where that was any host's."""
    if not failures:
        return NotConfigured("No address of a Proxmox host is set.")
    told = [
        f"{host[0]}:{host[1]}: {why.sentence}"
        for host, why in zip(hosts[first:] + hosts[:first], failures, strict=True)
    ]
    kinds = [type(error) for error in failures]
    kind = next((each for each in (CertificateRefused, Malformed) if each in kinds), Unreachable)
    return kind(" ".join(told), status=failures[-1].status)


class Cluster(Changes, Consoles, Watching):
    """One cluster as one token sees it. Safe for threads; make it after forking (`cluster()` does)."""

    def __init__(self, config: ClusterConfig) -> None:
        super().__init__()
        self.config = config
        self.line: ProxmoxLine = ProxmoxLine(config)

    def close(self) -> None:
        """Close idle connections; the next call opens new ones."""
        self.line.close()


_made: dict[tuple[int, ClusterConfig], Cluster] = {}
_making = threading.Lock()


def cluster() -> Cluster:
    """This process's cluster with the portal's token; NotConfigured where it was given none."""
    return _one(settings.PROXMOX_TOKEN_NAME, settings.PROXMOX_TOKEN_VALUE)


def console_cluster() -> Cluster:
    """The same with the console's token, or the portal's where there is no other."""
    if settings.PROXMOX_CONSOLE_TOKEN_NAME:
        return _one(settings.PROXMOX_CONSOLE_TOKEN_NAME, settings.PROXMOX_CONSOLE_TOKEN_VALUE)
    return cluster()


def _one(token_name: str, token_value: str) -> Cluster:
    if not (settings.PROXMOX_HOSTS and settings.PROXMOX_USER and token_name and token_value):
        raise NotConfigured("This process was given no address of a Proxmox host, or no token.")
    config = ClusterConfig(
        hosts=tuple(settings.PROXMOX_HOSTS),
        user=settings.PROXMOX_USER,
        token_name=token_name,
        token_value=token_value,
        trust=TlsTrust(settings.PROXMOX_CA_FILE, tuple(settings.PROXMOX_FINGERPRINTS)),
        node_hosts=tuple(sorted(settings.PROXMOX_NODE_HOSTS.items())),
        vmid_range=(settings.PROXMOX_VMID_RANGE[0], settings.PROXMOX_VMID_RANGE[1]),
        connect_timeout_s=settings.PROXMOX_CONNECT_TIMEOUT_S,
        read_timeout_s=settings.PROXMOX_READ_TIMEOUT_S,
    )
    with _making:
        return _made.setdefault((os.getpid(), config), Cluster(config))
