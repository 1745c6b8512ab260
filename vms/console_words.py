"""How what happened in consoles reads to others than the person who was in them. Plain Python.

The keys are the words that `consoles` writes into rows and the audit trail.
"""

#: What a person could do in it.
MODES = {"control": "Controls", "view": "Looks", "watch": "Watches"}
#: Why it ended, after a colon or by itself.
ENDS = {
    "left": "Left",
    "signed_out": "Signed out",
    "right_lost": "Lost the right",
    "locked": "The VM was locked",
    "gone": "The VM is gone",
    "stopped": "The VM did not run",
    "too_slow": "Connection too slow",
    "busy": "Too many at once",
    "node_ended": "The screen broke off",
    "unreachable": "The cluster did not answer",
    "refused": "The cluster refused it",
    "browser_broke": "The browser broke the rules",
    "node_broke": "The screen broke the rules",
    "unchecked": "The right could not be read",
    "restarting": "The portal restarted",
    "failed": "An error of ours",
    "narrowed": "May only look now",
    "trashed": "The VM went into the trash",
    "ended": "Ended from another page",
    "idle": "Idle",
    "time_limit": "Time limit",
    "elsewhere": "Opened elsewhere",
    "too_many": "Too many of one person",
    "node_full": "The node was full",
    "by_rtp": "Ended by an RTP",
    "share_over": "The share ended",
    "node_down": "The node was down",
    "moving": "The VM moved to another node",
    "vanished": "The connection went silent",
    "lost": "Its process was lost",
}


def ended(word: str) -> str:
    """'Left', 'Time limit'; a word that is not known as it is."""
    return ENDS.get(word) or word.replace("_", " ").capitalize()


def lasted(seconds: int) -> str:
    """'12 s', '5 min', '2 h 5 min'."""
    if seconds < 60:
        return f"{max(0, seconds)} s"
    hours, minutes = divmod(seconds // 60, 60)
    return " ".join([*([f"{hours} h"] if hours else []), *([f"{minutes} min"] if minutes or not hours else [])])
