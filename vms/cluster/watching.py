"""What is asked of a machine only to be shown: measurements, and what the guest's own agent tells.

An agent's answers are written by whoever runs the guest. They are cut to a few plain addresses and one short line.
"""

import ipaddress
from dataclasses import dataclass

from vms.cluster import parse
from vms.cluster.errors import Malformed, Refused
from vms.cluster.line import Line

MOST_ADDRESSES = 16
LONGEST_SYSTEM = 80
#: Spans Proxmox knows.
SPANS = ("hour", "day", "week", "month", "year")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One interval of a machine, ending at `at_s` (seconds since 1970). None: nothing was measured.

    `cpu` is 0 to 1 of its own cores; memory in bytes; the others are bytes a second, averaged over the interval.
    """

    at_s: int
    cpu: float | None = None
    memory_bytes: float | None = None
    most_memory_bytes: float | None = None
    net_in: float | None = None
    net_out: float | None = None
    disk_read: float | None = None
    disk_write: float | None = None


class Watching:
    """Calls that may be repeated."""

    line: Line

    def measurements(self, node: str, vmid: int, span: str) -> tuple[Measurement, ...]:
        """A machine's past, oldest first. Empty where Proxmox has none yet: it answers that with a 500.

        Raises Unreachable, Denied, NoSuchGuest.
        """
        try:
            answer = self.line.get("nodes", node, "qemu", vmid, "rrddata", timeframe=span, cf="AVERAGE")
        except Malformed:
            raise
        except Refused:
            return ()
        return tuple(found for row in parse.rows(answer) if (found := _measurement(row)) is not None)

    def agent_addresses(self, node: str, vmid: int) -> tuple[str, ...]:
        """The guest's addresses but for loopback, in its order. Refused where the agent is silent or not set up.

        A silent agent costs three seconds. Raises Denied, Unreachable too.
        """
        told = parse.mapping(self.line.get("nodes", node, "qemu", vmid, "agent", "network-get-interfaces"))
        cards = [card for card in parse.rows(told.get("result") or []) if isinstance(card.get("ip-addresses"), list)]
        texts = (str(one.get("ip-address", "")) for card in cards for one in parse.rows(card["ip-addresses"]))
        found = dict.fromkeys(plain for text in texts if (plain := plain_address(text)))
        return tuple(found)[:MOST_ADDRESSES]

    def agent_system(self, node: str, vmid: int) -> str:
        """What the guest calls itself, such as "Debian GNU/Linux 12 (bookworm)"; errors as agent_addresses."""
        told = parse.mapping(self.line.get("nodes", node, "qemu", vmid, "agent", "get-osinfo"))
        result = told.get("result")
        names = parse.mapping(result) if isinstance(result, dict) else {}
        return plain_line(str(names.get("pretty-name") or names.get("name") or ""))


def plain_address(text: str) -> str:
    """The address in its usual form; empty for loopback and for what is none."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0].strip())
    except ValueError:
        return ""
    return "" if found.is_loopback or found.is_unspecified or found.is_multicast else str(found)


def plain_line(text: str) -> str:
    """One short line of printable characters."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())[:LONGEST_SYSTEM]


def _measurement(row: parse.Row) -> Measurement | None:
    at_s = parse.whole(row.get("time"))
    if at_s is None:
        return None
    number = {name: _amount(row.get(name)) for name in row}
    return Measurement(
        at_s=at_s,
        cpu=number.get("cpu"),
        memory_bytes=number.get("mem"),
        most_memory_bytes=number.get("maxmem"),
        net_in=number.get("netin"),
        net_out=number.get("netout"),
        disk_read=number.get("diskread"),
        disk_write=number.get("diskwrite"),
    )


def _amount(value: object) -> float | None:
    found = parse.fraction(value)
    return float(found) if found is not None and 0 <= found < float("inf") else None
