"""An RTP says something to everybody."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts import announcements
from accounts.addresses import address_of
from accounts.person import RtpRequest, rtp_required
from accounts.proof import require_proof


class AnnouncementForm(forms.Form):
    """One or two sentences."""

    text = forms.CharField(
        label="What everybody reads",
        max_length=300,
        help_text="One or two sentences, such as: Saturday from 9:00 pve2 gets new disks; its VMs are moved.",
        error_messages={"required": "Write what everybody reads.", "max_length": "Use 300 characters or fewer."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@require_http_methods(["GET", "POST"])
@rtp_required
def announcement(request: RtpRequest) -> HttpResponse:
    """What is told now, and a form to tell something else."""
    told = announcements.current()
    form = AnnouncementForm(request.POST or None, initial={"text": told.text if told else ""})
    if request.method == "POST":
        require_proof(request, "Tell everybody something")
        if form.is_valid():
            if announcements.announce(form.cleaned_data["text"], by=request.user, address=address_of(request)):
                messages.success(request, "Everybody reads it from now on.")
            else:
                messages.error(request, "Another RTP told something at the same moment. Yours was not taken.")
            return redirect("people:announcement")
    status = 422 if request.method == "POST" else 200
    return render(request, "people/announcement.html", {"form": form, "told": told}, status=status)


@require_POST
@rtp_required
def end_announcement(request: RtpRequest) -> HttpResponse:
    """Takes it off the pages."""
    require_proof(request, "End the announcement")
    if announcements.end(by=request.user, address=address_of(request)):
        messages.success(request, "It is not shown any more.")
    else:
        messages.error(request, "Nothing was announced.")
    return redirect("people:announcement")
