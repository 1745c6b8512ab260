"""What a console is for: to use the machine, to look at it, or an RTP's visible watch."""

from enum import StrEnum


class Mode(StrEnum):
    """CONTROL: keys, pointer and clipboard reach the machine. VIEW and WATCH: to look at only; the proxy drops them.

    WATCH is an RTP beside the people of a machine; they are told.
    """

    CONTROL = "control"
    VIEW = "view"
    WATCH = "watch"
