"""What lies in the trash: how long, the way back, and the way out for good."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.view_as import readable_as_member
from vms import selectors
from vms.models import VirtualMachine
from vms.rows import Rights, rows
from vms.views.person import PersonRequest, person_required


@require_GET
@readable_as_member
@person_required
def trash(request: PersonRequest) -> HttpResponse:
    """The person's own pool and shared ones; for RTPs everybody's."""
    now = timezone.now()
    lying = VirtualMachine.objects.visible_to(request.user).filter(trashed_at__isnull=False).listed()
    view = selectors.outlook(lying, now)
    found = lying.select_related("pool__owner", "trashed_by").order_by("trash_until", "name")
    shown = rows(found, rights=Rights(request.user), now=now, outage=view.outage)
    return render(request, "vms/trash.html", {"notes": view.notes, "rows": shown})
