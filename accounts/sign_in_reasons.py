"""Why a sign-in by the house did not work, in words for the person. The code travels in `?why=`, never more.

Nothing here says whether an account exists that the house did not itself name.
"""

REASONS = {
    "unavailable": "The house's sign-in does not answer just now. Whoever is signed in stays so. Try again soon.",
    "off": "There is no house sign-in here. Use a local account.",
    "rejected": "The house's answer did not hold: it was not meant for this sign-in, was used before, or was changed "
    "on its way. Nothing was done; sign in again.",
    "lost": "This browser did not start that sign-in, or it was started too long ago. Sign in again from here.",
    "clock": "The house's clock and ours are more than a minute apart, so its answer cannot be trusted. Tell an RTP.",
    "key": "The house signed with a key that it does not publish. Try again in a minute; if it stays so, tell an RTP.",
    "cancelled": "You stopped the sign-in at the house. Nothing was done.",
    "claims": "The house did not say who you are in a form that can be used. Tell an RTP.",
    "unknown": "The house let you in, but its directory does not list you here yet. The directory is read "
    "every {period}; try again then.",
    "not_member": "The house let you in, but says of no group that you are an active member. Ask an RTP.",
    "taken": "The house let you in, but your name there belongs to somebody else here. Ask an RTP.",
    "locked": "This account is locked. Ask an RTP.",
    "inactive": "This account is not active any more. Ask an RTP.",
    "ended": "You are signed out: your session at the house has ended. Sign in again.",
    "signed_out_here": "You are signed out here. The house does not answer, so you may still be signed in there.",
    "other_person": "The house answered for somebody else. Sign in there as the person you are here.",
    "no_auth_time": "The house did not say when you signed in, so this is no fresh proof. Tell an RTP.",
    "stale": "The house did not ask you again who you are, so this is no fresh proof. Try once more.",
}
DEFAULT = "rejected"


def sentence(code: str, *, period_s: float = 600) -> str:
    """The sentence of a code; empty for a code that is none, so that nobody can put words on the page."""
    minutes = max(1, round(period_s / 60))
    period = "minute" if minutes == 1 else f"{minutes} minutes"
    return REASONS.get(code, "").format(period=period)
