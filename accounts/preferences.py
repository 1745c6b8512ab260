"""What a person chose for themselves: colours, and a mail they asked for. Kept with the person, for every browser."""

from django.utils import timezone

from accounts import outbox
from accounts.models import User

SYSTEM, LIGHT, DARK = "system", "light", "dark"
THEMES = (SYSTEM, LIGHT, DARK)
THEME, SIGN_IN_MAIL = "theme", "sign_in_mail"
SIGNED_IN = (
    "Somebody signed in to your account {name} at {at}, from {address}.\n\n"
    "If it was you, there is nothing to do. If not, look at where you are signed in, on your account page, sign out "
    "there, and tell an RTP.\n\nYou get this mail because you chose so on that page."
)


def theme_of(user: User) -> str:
    """The chosen theme; empty where the person never chose one, and their browser's cookie counts."""
    theme = user.preferences.get(THEME)
    return theme if theme in THEMES else ""


def wants_sign_in_mail(user: User) -> bool:
    """True for somebody who asked to be told of sign-ins."""
    return user.preferences.get(SIGN_IN_MAIL) is True


def choose(user: User, **chosen: object) -> None:
    """Keeps what was chosen; what is not named stays as it is."""
    known = User.objects.only("preferences").get(pk=user.pk).preferences
    user.preferences = known | chosen
    user.save(update_fields=["preferences"])


def tell_of_sign_in(user: User, *, address: str) -> bool:
    """The mail to somebody who asked for it and has an address; True when there is one."""
    if not wants_sign_in_mail(user):
        return False
    at = f"{timezone.localtime():%d.%m.%Y %H:%M %Z}"
    text = SIGNED_IN.format(name=user.username, at=at, address=address or "an unknown address")
    return outbox.post(user, "[VMPortal] A sign-in to your account", text) is not None
