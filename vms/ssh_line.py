"""The line that signs in to a machine. Plain Python."""

import ipaddress
from collections.abc import Sequence


def best_address(addresses: Sequence[str]) -> str:
    """The address to sign in at: IPv4 before IPv6, none that holds on its own cable only; empty where there is none."""
    found = [ipaddress.ip_address(text) for text in addresses]
    wide = [one for one in found if not one.is_link_local]
    return str(next(iter(sorted(wide, key=lambda one: one.version)), ""))


def ssh_line(login_user: str, addresses: Sequence[str]) -> str:
    """'ssh debian@10.0.0.7'; empty while user or address is not known."""
    address = best_address(addresses)
    return f"ssh {login_user}@{address}" if login_user and address else ""
