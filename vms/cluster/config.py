"""What the gateway needs to know to call a cluster."""

from dataclasses import dataclass, field

from vms.cluster.tls import TlsTrust

Host = tuple[str, int]


@dataclass(frozen=True)
class ClusterConfig:
    """Addresses, one token, trust and limits. Two equal ones share a client."""

    hosts: tuple[Host, ...]
    user: str
    token_name: str
    token_value: str = field(repr=False)
    trust: TlsTrust = field(default_factory=TlsTrust)
    node_hosts: tuple[tuple[str, Host], ...] = ()
    vmid_range: tuple[int, int] = (100, 999_999_999)
    connect_timeout_s: float = 5
    read_timeout_s: float = 35
    most_answer_bytes: int = 64 * 1024 * 1024

    @property
    def token_id(self) -> str:
        """`user@realm!name`, not secret."""
        return f"{self.user}!{self.token_name}"

    @property
    def authorization(self) -> str:
        """The header's value; secret."""
        return f"PVEAPIToken={self.token_id}={self.token_value}"

    def node_host(self, node: str) -> Host | None:
        """Where a node is reached directly, if that was set."""
        return dict(self.node_hosts).get(node)
