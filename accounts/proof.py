"""Fresh proof: an RTP uses RTP power only after having shown, a short time ago, who they are."""

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User

SESSION_KEY = "proof"


class ProofNeeded(Exception):
    """RTP power was to be used without a fresh proof. The middleware leads to it and back; the form is kept."""


def require_proof(request: HttpRequest) -> None:
    """Raises ProofNeeded unless this session proved its person within PROOF_S seconds."""
    if not has_proof(request):
        raise ProofNeeded


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
