"""The RTPs' page about the house's directory."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.addresses import address_of
from accounts.directory.release import ReleaseRefused
from accounts.directory.release import release as release_list
from accounts.directory.shown import outlook
from accounts.person import RtpRequest, rtp_required
from accounts.proof import require_proof

MOST_DIGITS = 18


@require_GET
@rtp_required
def directory(request: RtpRequest) -> HttpResponse:
    """What the last passes read and changed, what is held, who is excepted. The directory itself is not asked."""
    return render(request, "people/directory.html", {"outlook": outlook(timezone.now())})


@require_POST
@rtp_required
def release(request: RtpRequest) -> HttpResponse:
    """An RTP's word that those whom a pass held back have really left; `run` is the list they looked at."""
    require_proof(request, "Release the departures that wait", reverse("people:directory"))
    wanted = request.POST.get("run", "")
    number = int(wanted) if wanted.isdecimal() and len(wanted) <= MOST_DIGITS else 0
    try:
        run = release_list(number, by=request.user, address=address_of(request), now=timezone.now())
    except ReleaseRefused as refused:
        messages.error(request, refused.sentence)
    else:
        count = len(run.plan["who"])
        messages.success(request, f"Released {count} departures. The next pass makes use of it, within an hour.")
    return redirect("people:directory")
