"""What can go wrong between the portal and the cluster.

    ClusterError                 catch-all
    ├── Unreachable              nothing ran; asking again later is safe
    │   ├── CertificateRefused   whoever answered could not prove to be the cluster
    │   ├── TimedOut             a read was not answered in time
    │   ├── Malformed            a read was answered with something that is no answer
    │   └── NotConfigured        this process was given no address or token
    ├── OutcomeUnknown           a change was sent and its answer lost; it may have happened, find out
    ├── Denied                   the token is refused (401) or lacks a right (403)
    ├── NoSuchGuest              no such machine on that node: removed or moved
    ├── WrongMachine             the slot holds another machine than the one meant
    ├── NotBound                 the machine is not in the bound pool it was said to be in
    ├── GuestLocked              another job of Proxmox holds the machine
    └── Refused                  Proxmox understood and said no; nothing was changed
        ├── AlreadyExists        the vmid, pool or snapshot name is taken
        ├── ConfigChanged        the digest no longer matches: somebody changed it in between
        └── NoSuchTask           that UPID is not (or no longer) known

`sentence` holds Proxmox's own words, for RTPs and logs; members are told less. None of them ever holds a secret.
"""


class ClusterError(Exception):
    """Base of all. `status` is the HTTP status where there was one."""

    def __init__(self, sentence: str = "", *, status: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence, self.status = sentence, status


class Unreachable(ClusterError):
    """Nothing ran."""


class CertificateRefused(Unreachable):
    """The certificate is not the cluster's; nothing was sent."""


class TimedOut(Unreachable):
    """A read was not answered in time; asking at once again would take as long."""


class Malformed(Unreachable):
    """A read was answered, but not by Proxmox's rules."""


class NotConfigured(Unreachable):
    """No address or no token in this process."""


class OutcomeUnknown(ClusterError):
    """A change was sent and nobody knows whether it happened. Never repeat it blindly."""


class Denied(ClusterError):
    """The token is wrong, or lacks the right that `sentence` names. Nothing was changed."""


class NoSuchGuest(ClusterError):
    """The node has no such machine; it may have moved."""


class WrongMachine(ClusterError):
    """The slot holds another machine. Nothing was sent."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected machine {expected or '(none given)'}, found {found or '(none)'}")
        self.expected, self.found = expected, found


class NotBound(ClusterError):
    """The machine is not shown as a member of the pool it was said to be in. Nothing was sent."""


class GuestLocked(ClusterError):
    """`lock` is Proxmox's word for the job that holds it (backup, clone, …), "config" for its short file lock."""

    def __init__(self, sentence: str = "", *, lock: str = "", status: int | None = None) -> None:
        super().__init__(sentence, status=status)
        self.lock = lock


class Refused(ClusterError):
    """Proxmox said no before doing anything. `fields` maps its parameter names to its sentences."""

    def __init__(self, sentence: str = "", fields: dict[str, str] | None = None, *, status: int | None = None) -> None:
        super().__init__(sentence, status=status)
        self.fields = fields or {}


class AlreadyExists(Refused):
    """The name or number is taken."""


class ConfigChanged(Refused):
    """The digest given is no longer the machine's."""


class NoSuchTask(Refused):
    """The task's record is gone, or never was."""
