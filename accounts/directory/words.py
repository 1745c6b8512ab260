"""What a pass did or would do, in words."""

from collections.abc import Iterator

from accounts.models import DirectoryRun
from accounts.roles import RunOutcome

#: Kind of change in a run's plan → what is said when it was done, and when it was not.
WORDS = {
    "joined": ("Joined", "Would join"),
    "departed": ("Left", "Would leave"),
    "returned": ("Came back", "Would come back"),
    "rtp_gained": ("RTP from now on", "Would be RTP"),
    "rtp_lost": ("No RTP any more", "Would be no RTP any more"),
    "renamed": ("Renamed", "Would be renamed"),
    "changed": ("Changed", "Would change"),
}


def plan_lines(run: DirectoryRun) -> list[tuple[str, list[str]]]:
    """('Joined', names) for every kind of change of this run; in the conditional for one that wrote nothing."""
    is_done = run.pk is not None and run.outcome == RunOutcome.APPLIED
    return [(words[0 if is_done else 1], run.plan[kind]) for kind, words in WORDS.items() if run.plan.get(kind)]


def told(run: DirectoryRun) -> Iterator[str]:
    """The plan of a run for a terminal, the entries that were left out, and how many of each."""
    for title, names in plan_lines(run):
        yield f"{title} ({len(names)}): {', '.join(names)}"
    for problem in run.problems:
        yield f"Left out: {problem['entry']}: {problem['sentence']}"
    if not run.plan and run.outcome == RunOutcome.APPLIED:
        yield "Nothing differs."
