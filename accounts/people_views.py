"""RTPs' pages about people: the list with what they have to know, one person, and what is done to them."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts import locks, view_as
from accounts.addresses import address_of
from accounts.alarms import open_alarms
from accounts.local import acknowledge
from accounts.models import Alarm, User
from accounts.people import everybody, last_events, live_sessions
from accounts.person import RtpRequest, rtp_required
from accounts.proof import require_proof

A_PAGE = 50


@require_GET
@rtp_required
def people_list(request: RtpRequest) -> HttpResponse:
    """Everybody the portal knows, what stands open for RTPs above them."""
    words = request.GET.get("q", "").strip()[:60]
    page = Paginator(everybody(words), A_PAGE).get_page(request.GET.get("page"))
    return render(request, "people/list.html", {"page": page, "words": words, "alarms": open_alarms()})


@require_GET
@rtp_required
def detail(request: RtpRequest, person_id: int) -> HttpResponse:
    """One person: as the directory has them, what they own, what was done."""
    person = _person(person_id)
    return render(request, "people/detail.html", _context(request, person))


@require_POST
@rtp_required
def lock(request: RtpRequest, person_id: int) -> HttpResponse:
    """Locks the person out, with the reason they are shown."""
    person = _person(person_id)
    require_proof(request, f"Lock {person}")
    reason = request.POST.get("reason", "")
    try:
        locks.lock_person(person.pk, by=request.user, reason=reason, address=address_of(request))
    except locks.LockRefused as refusal:
        context = _context(request, person) | {"problem": refusal.sentence, "reason": reason}
        return render(request, "people/detail.html", context, status=422)
    messages.success(request, f"{person} is locked. Their sessions and consoles have ended.")
    return redirect("people:detail", person_id=person.pk)


@require_POST
@rtp_required
def unlock(request: RtpRequest, person_id: int) -> HttpResponse:
    """Undoes the lock."""
    person = _person(person_id)
    require_proof(request, f"Unlock {person}")
    try:
        locks.unlock_person(person.pk, by=request.user, address=address_of(request))
        messages.success(request, f"{person} is not locked any more.")
    except locks.LockRefused as refusal:
        messages.error(request, refusal.sentence)
    return redirect("people:detail", person_id=person.pk)


@require_POST
@rtp_required
def sign_out(request: RtpRequest, person_id: int) -> HttpResponse:
    """Ends every session and console of the person."""
    person = _person(person_id)
    require_proof(request, f"Sign {person} out everywhere")
    locks.sign_out_everywhere(person.pk, by=request.user, address=address_of(request))
    messages.success(request, f"{person} is signed out everywhere.")
    return redirect("people:detail", person_id=person.pk)


@require_POST
@rtp_required
def view_begin(request: RtpRequest, person_id: int) -> HttpResponse:
    """From now on the portal shows what this member would see."""
    person = _person(person_id)
    require_proof(request, f"View as {person}")
    if why := view_as.why_not(request.user, person):
        messages.error(request, why)
        return redirect("people:detail", person_id=person.pk)
    view_as.begin(request, request.user, person)
    return redirect("vms:list")


@require_POST
@rtp_required
def view_end(request: RtpRequest) -> HttpResponse:
    """The RTP's own portal again."""
    member = view_as.end(request, request.user, "stopped")
    return redirect("people:detail", person_id=member.pk) if member else redirect("people:list")


@require_POST
@rtp_required
def alarm_seen(request: RtpRequest, alarm_id: int) -> HttpResponse:
    """The RTP knows; the alarm is put away. One whose cause goes on is raised anew."""
    alarm = Alarm.objects.filter(pk=alarm_id, ended_at=None).first()
    if alarm is None:
        raise Http404("No alarm is open here.")
    require_proof(request, "Put the alarm away")
    acknowledge(alarm, request.user)
    return redirect("people:list")


def _person(person_id: int) -> User:
    person = User.objects.filter(pk=person_id).select_related("locked_by").first()
    if person is None:
        raise Http404("There is no such person.")
    return person


def _context(request: RtpRequest, person: User) -> dict[str, object]:
    return {
        "person": person,
        "groups": [group.name for group in person.directory_groups.all()],
        "sessions": live_sessions(person),
        "keys": person.ssh_keys.all(),
        "events": last_events(person),
        "why_not_viewed": view_as.why_not(request.user, person),
        "is_self": person.pk == request.user.pk,
    }
