"""Words for what the audit trail says."""

from django import template

from accounts.models import AuditEvent

register = template.Library()

#: What a verb of the audit trail reads like, before the name of whom or what it was done to.
DEEDS = {
    "alarm.seen": "Saw the alarm",
    "break_glass.link": "Made a break-glass link for",
    "directory.joined": "Joined by the directory:",
    "directory.released": "Released departures",
    "key.added": "Saved the key",
    "key.removed": "Removed the key",
    "password.changed": "Changed the password of",
    "person.closed": "Closed the account of",
    "person.departed": "Left the house:",
    "person.linked": "Linked to the house's sign-in:",
    "person.lock": "Locked",
    "person.made": "Came in for the first time:",
    "person.returned": "Came back to the house:",
    "person.sign_out": "Signed out everywhere:",
    "person.unlock": "Unlocked",
    "person.view_begin": "Began to view as",
    "person.view_end": "Stopped viewing as",
    "rtp.gained": "Became an RTP:",
    "rtp.lost": "Is no RTP any more:",
    "signin": "Signed in:",
    "signin.failed": "Failed to sign in:",
}


@register.filter
def deed(event: AuditEvent) -> str:
    """'Locked bob'; a verb without words of its own with its dots taken out."""
    words = DEEDS.get(event.verb) or event.verb.replace(".", " ").replace("_", " ").capitalize()
    return f"{words} {event.target_name}".rstrip(" :")
