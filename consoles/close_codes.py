"""How a console can end: WebSocket close code, a word for rows and logs, the sentence the person reads.

One table; the page gets it as data. Codes from 4000 on are ours (RFC 6455 section 7.4.2).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class End:
    """One way to end. `again`: the page tries again by itself, each time with a new grant.

    `step`: what the page offers next where it does not: a word of STEPS.
    """

    code: int
    word: str
    sentence: str
    again: bool = False
    step: str = "again"


#: again: open it once more. here: the same, for one that is open elsewhere. The others are links: to sign in and come
#: back, to the machine's page, to the person's machines. many: the list of open consoles, which comes with the refusal.
STEPS = ("again", "here", "sign_in", "machine", "list", "many")

LEFT = End(1000, "left", "You closed the console.")
SIGNED_OUT = End(4001, "signed_out", "You were signed out. Sign in again to open the console.", step="sign_in")
RIGHT_LOST = End(4003, "right_lost", "You may no longer use this VM's console. Someone changed who may.", step="list")
LOCKED = End(4018, "locked", "An RTP locked this VM. Its page says why.", step="machine")
GONE = End(4004, "gone", "This VM does not exist any more.", step="list")
STOPPED = End(4005, "stopped", "The VM is not running.", again=True)
TOO_SLOW = End(4008, "too_slow", "Your connection is too slow for this screen. Reconnect when it is better.")
BUSY = End(4009, "busy", "Others opened this VM's console at the same moment.", again=True)
NODE_ENDED = End(4010, "node_ended", "The connection to the VM's screen broke.", again=True)
UNREACHABLE = End(4011, "unreachable", "The cluster does not answer. Your VM may be fine.", again=True)
REFUSED = End(4012, "refused", "The cluster refused the console. Your VM was not changed; an RTP can see why.")
BROWSER_BROKE = End(4013, "browser_broke", "Your browser sent something that a console does not understand.")
NODE_BROKE = End(4014, "node_broke", "The VM's screen answered in a way we do not understand. An RTP can see why.")
UNCHECKED = End(4015, "unchecked", "We could not check your right to this console for a while.", again=True)
RESTARTING = End(4016, "restarting", "The portal is restarting.", again=True)
FAILED = End(4017, "failed", "Something broke on our side. Your VM is not affected.", again=True)
NARROWED = End(4020, "narrowed", "From now on you may look at this screen, but not use it.", again=True)
TRASHED = End(4021, "trashed", "This VM is in the trash. Restore it to use its screen.", step="machine")
ENDED = End(4019, "ended", "You ended this console from another page.")
IDLE = End(4022, "idle", "Nobody used this console for a while, so it was closed. The VM runs on.")
TIME_LIMIT = End(4023, "time_limit", "This console was open for as long as one may be. The VM runs on; open it again.")
ELSEWHERE = End(4024, "elsewhere", "You opened this console in another tab or window.", step="here")
TOO_MANY = End(4025, "too_many", "You have as many consoles open as you may. Close one of them.", step="many")
NODE_FULL = End(4026, "node_full", "The node of this VM shows as many screens as it may.", again=True)
BY_RTP = End(4027, "by_rtp", "An RTP ended this console.")
SHARE_OVER = End(4028, "share_over", "This console is not shared with you any more.", step="list")
MOVING = End(4031, "moving", "The VM is moving to another node.", again=True)
NODE_DOWN = End(4029, "node_down", "The node of this VM does not answer. An RTP can see that too.", again=True)
VANISHED = End(4030, "vanished", "Your browser did not answer any more.", again=True)

ENDS = (
    LEFT, SIGNED_OUT, RIGHT_LOST, GONE, STOPPED, TOO_SLOW, BUSY, NODE_ENDED, UNREACHABLE, REFUSED, BROWSER_BROKE,
    NODE_BROKE, UNCHECKED, RESTARTING, FAILED, LOCKED, ENDED, NARROWED, TRASHED, IDLE, TIME_LIMIT, ELSEWHERE, TOO_MANY,
    NODE_FULL, BY_RTP, SHARE_OVER, NODE_DOWN, MOVING, VANISHED,
)  # fmt: skip
BY_WORD = {end.word: end for end in ENDS}


def table() -> dict[str, dict[str, object]]:
    """Close code to word, sentence, whether to try again and the next step, as the page's script reads it."""
    told = ("word", "sentence", "again", "step")
    return {str(end.code): {name: getattr(end, name) for name in told} for end in ENDS}
