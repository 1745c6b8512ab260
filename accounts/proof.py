"""Fresh proof: an RTP uses RTP power only after having shown, a short time ago, who they are.

A view that is about to do what only RTP power allows calls `require_proof`; pages that only show never do. The
middleware (accounts/rtp_middleware.py) leads whoever has none to the proof and back, with the form they sent.
"""

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User

SESSION_KEY = "proof"


class ProofNeeded(Exception):
    """RTP power was to be used without a fresh proof. The middleware leads to it and back; the form is kept.

    `what` says what was to be done, `back` where to go on when there is no form to send again.
    """

    def __init__(self, what: str = "", back: str = "") -> None:
        super().__init__(what)
        self.what, self.back = what, back


def require_proof(request: HttpRequest, what: str = "", back: str = "") -> None:
    """Raises ProofNeeded unless this session proved its person within PROOF_S seconds.

    To be called for a POST, after the right was read and before anything is written.
    """
    if not has_proof(request):
        raise ProofNeeded(what, back)


def has_proof(request: HttpRequest) -> bool:
    """True where this session proved this very person within PROOF_S seconds."""
    proof, user = request.session.get(SESSION_KEY), request.user
    if not isinstance(proof, dict) or not isinstance(user, User) or proof.get("user") != user.pk:
        return False
    age_s = timezone.now().timestamp() - float(proof.get("at", 0))
    return 0 <= age_s <= settings.PROOF_S


def note_proof(request: HttpRequest, how: str) -> None:
    """The person of this session was proved just now, by `how`."""
    request.session[SESSION_KEY] = {"user": request.user.pk, "at": timezone.now().timestamp(), "how": how}


def drop_proof(request: HttpRequest) -> None:
    """What was proved counts no more: the person is no RTP any longer."""
    request.session.pop(SESSION_KEY, None)
