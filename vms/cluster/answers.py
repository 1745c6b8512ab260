"""Proxmox's refusals sorted into our errors, by status and by the text that is all it gives for most of them."""

import re
from collections.abc import Callable

from vms.cluster.errors import (
    AlreadyExists,
    ClusterError,
    ConfigChanged,
    Denied,
    GuestLocked,
    NoSuchGuest,
    NoSuchTask,
    NotBound,
    Refused,
    Unreachable,
)


class LostAnswer(Exception):
    """The request went out; what came back is nothing, too late, cut, or not from Proxmox.

    Never leaves the gateway: for a read it becomes Unreachable, for a change OutcomeUnknown. `may_repeat`: it failed
    at once, so that a read may be asked again without making somebody wait twice.
    """

    def __init__(self, sentence: str, *, status: int | None = None, may_repeat: bool = False) -> None:
        super().__init__(sentence)
        self.sentence, self.status, self.may_repeat = sentence, status, may_repeat


#: The daemon could not start a worker; the one failure after which a task may be asked for again.
NO_WORKER = "got no worker upid"

_LOCKED = re.compile(r"is locked(?: \((?P<lock>[^)]*)\))?", re.IGNORECASE)

#: First match counts. Text of a 500, any case.
_SENTENCES: tuple[tuple[re.Pattern[str], Callable[[str, int], ClusterError | LostAnswer]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), make)
    for pattern, make in (
        (r"(?<!of )pool '[^']*' does not exist", lambda text, status: NotBound(text, status=status)),
        (r"permission check failed|\b403 permission|only root can", lambda text, status: Denied(text, status=status)),
        (
            r"configuration file '[^']*' does not exist|unable to find configuration file for vm",
            lambda text, status: NoSuchGuest(text, status=status),
        ),
        (
            r"\bvm is locked|\bis locked \(",
            lambda text, status: GuestLocked(text, lock=_lock_in(text), status=status),
        ),
        (
            r"can't lock file '[^']*' - got timeout|unable to acquire lock",
            lambda text, status: GuestLocked(text, lock="config", status=status),
        ),
        (r"already exists", lambda text, status: AlreadyExists(text, status=status)),
        (r"checksum mismatch|detected modified", lambda text, status: ConfigChanged(text, status=status)),
        (r"no such task", lambda text, status: NoSuchTask(text, status=status)),
        (r"hostname lookup '[^']*' failed|no such cluster node", lambda text, status: Unreachable(text, status=status)),
        (r"cfs-lock|no quorum", lambda text, status: Refused(text, status=status)),
        (r"got timeout|timed out", lambda text, status: LostAnswer(text, status=status)),
    )
)


def _lock_in(text: str) -> str:
    match = _LOCKED.search(text)
    return (match["lock"] if match else None) or "config"


def refusal(status: int, sentence: str, fields: dict[str, str]) -> ClusterError | LostAnswer:
    """The error for an answer of 400 or more.

    595 means that the asked host got no connection to the next one: nothing ran. 596 to 599 came after that. What
    Proxmox never answers (404, 502, 503, …) came from something in front of it, which knows no more than we do.
    """
    text = sentence.strip()
    if status in {401, 403}:
        return Denied(text, status=status) if "does not exist" not in text else _by_sentence(text, status)
    if status == 400:
        return _bad_parameter(text, fields)
    if status == 500:
        return _by_sentence(text, status)
    if status in {501, 505, 506, 413, 414, 431}:
        return Refused(text, status=status)
    if status == 595:
        return Unreachable(f"595 {text}", status=status)
    return LostAnswer(f"{status} {text}", status=status)


def _bad_parameter(text: str, fields: dict[str, str]) -> ClusterError:
    words = " ".join([text, *fields.values()])
    said = f"{text} {'; '.join(f'{name}: {why}' for name, why in fields.items())}".strip()
    if "no such task" in words:
        return NoSuchTask(said, fields, status=400)
    if "already exists" in words:
        return AlreadyExists(said, fields, status=400)
    return Refused(said, fields, status=400)


def _by_sentence(text: str, status: int) -> ClusterError | LostAnswer:
    for pattern, make in _SENTENCES:
        if pattern.search(text):
            return make(text, status)
    return Denied(text, status=status) if status in {401, 403} else Refused(text, status=status)
