"""Signs a person in, in a test's client, without a page."""

from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.proof import SESSION_KEY


def sign_in(client: Client, user: User, *, fresh: bool = True) -> Client:
    """A session of this person; `fresh`: they proved just now who they are."""
    client.force_login(user)
    session = client.session
    session.pop(SESSION_KEY, None)
    if fresh:
        session[SESSION_KEY] = {"user": user.pk, "at": timezone.now().timestamp(), "how": "test"}
    session.save()
    return client
