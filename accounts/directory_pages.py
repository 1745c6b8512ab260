"""The RTPs' page about the house's directory."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.person import RtpRequest, rtp_required
from accounts.proof import require_proof


@require_GET
@rtp_required
def directory(request: RtpRequest) -> HttpResponse:
    """What the last passes read and changed, what is held, who is excepted. The directory itself is not asked."""
    return render(request, "people/directory.html", {})


@require_POST
@rtp_required
def release(request: RtpRequest) -> HttpResponse:
    """An RTP's word that those whom a pass held back have really left."""
    require_proof(request)
    return redirect("people:directory")
