"""Small pieces of pages: icons, controls, moments, words."""

from datetime import datetime

from django import template
from django.forms import BoundField, CheckboxInput, Select
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from quotas.errors import gib
from vms import form_keys
from vms.models import Operation, VirtualMachine
from vms.rows import Rights, Row, rows, steps_of
from vms.shown import Shown
from vms.states import OperationState
from vms.verbs import fact

register = template.Library()

#: Which entry of the navigation a view belongs to, by its URL name.
PLACES = {
    "list": "home", "detail": "home", "hardware": "home", "activity": "home", "operation": "home", "action": "home",
    "settings": "home", "change": "home",
    "page": "home", "create": "create", "history": "history", "rtp": "rtp", "account_home": "account",
    "account_change_password": "account", "mfa_index": "account", "usersessions_list": "account",
    "account_preferences": "account",
    "people:list": "people", "people:detail": "people", "people:lock": "people", "people:directory": "directory",
    "people:announcement": "announcement",
    "quotas:requests": "requests", "quotas:request": "requests", "quotas:ask": "requests",
    "plots": "home", "snapshots": "home", "take_snapshot": "home", "roll_back": "home", "drop_snapshot": "home",
    "vms:rtp_pools": "rtp_pools", "vms:rtp_pool": "rtp_pools", "quotas:pool": "rtp_pools", "move": "home",
    "vms:leases": "leases", "vms:change_leases": "leases", "trash": "home", "renew_by_link": "home",
    "vms:capacity": "capacity", "vms:attention": "attention", "vms:jobs": "attention", "vms:job": "attention",
    "consoles:rtp": "consoles", "consoles:rtp_end": "consoles", "consoles:rtp_end_node": "consoles",
    "vms:pools": "pools", "vms:pool": "pools", "vms:make_pool": "pools",
}  # fmt: skip


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon of our sprite; the text beside it says what it means."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("img/icons.svg"), name)


@register.simple_tag
def here(request: HttpRequest) -> str:
    """The entry of the navigation this page belongs to."""
    match = request.resolver_match
    if match is None:
        return ""
    name = match.url_name or ""
    return PLACES.get(match.view_name) or PLACES.get(name) or ("account" if name.startswith("mfa_") else "")


@register.simple_tag
def new_key() -> str:
    """A fresh idempotency key: two sends of the same form make one operation."""
    return form_keys.new_key(timezone.now())


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's widget with the class of its kind."""
    widget = field.field.widget
    kind = "form-select" if isinstance(widget, Select) else "form-control"
    kind = "form-check-input" if isinstance(widget, CheckboxInput) else kind
    return field.as_widget(attrs={"class": kind})


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A <time>: '14:02' today, '12 May 14:02' this year, with the full moment and zone in its title."""
    if at is None:
        return "–"
    local = timezone.localtime(at)
    now = timezone.localtime()
    short = "H:i" if local.date() == now.date() else ("j M H:i" if local.year == now.year else "j M Y H:i")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        f"{date_format(local, 'j F Y H:i:s')} {local:%Z}",
        date_format(local, short),
    )


@register.filter
def in_words(operation: Operation) -> str:
    """What can truthfully be said of an operation."""
    return fact(operation.kind, operation.state, operation.vm.name)


@register.filter
def took(operation: Operation) -> str:
    """'4 s', '2 min 10 s' from request to end; empty while it runs."""
    if operation.finished_at is None:
        return ""
    seconds = max(0, round((operation.finished_at - operation.created_at).total_seconds()))
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60} s"


@register.filter
def duration(seconds: int | None) -> str:
    """'12 days', '3 h', '5 min'."""
    if not seconds:
        return ""
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}" + ("s" if count > 1 else "")
    return "less than a minute"


@register.simple_tag
def machines_of(person: User, viewer: User) -> list[Row]:
    """Rows of what stands in the person's own pool, as the viewer may handle it."""
    machines = VirtualMachine.objects.listed().filter(pool__owner=person).select_related("pool").order_by("name")
    return rows(machines, rights=Rights(viewer), now=timezone.now())


@register.filter
def percent(share: float) -> str:
    """'4 %' of 0.04."""
    return f"{round(share * 100)} %"


@register.filter(name="gib")
def gib_of(memory_mib: int) -> str:
    """'1.5 GiB' of 1536."""
    return gib(memory_mib)


@register.filter
def size(count: int) -> str:
    """'4.8 MiB', '8 GiB' of a number of bytes."""
    unit, amount = ("GiB", count / 1024**3) if count >= 1024**3 else ("MiB", count / 1024**2)
    return f"{amount:.1f}".removesuffix(".0") + f" {unit}"


@register.filter(name="steps")
def steps_filter(operation: Operation) -> list[dict[str, str]]:
    """The operation's steps with their states in words."""
    return steps_of(operation)


RESULTS = {
    OperationState.SUCCEEDED: Shown("Done", "dot", "ok"),
    OperationState.FAILED: Shown("Failed", "up", "bad"),
    OperationState.NEEDS_RTP: Shown("Waits for an RTP", "up", "warn"),
    OperationState.UNCERTAIN: Shown("Finding out", "up", "warn", is_hollow=True),
}


@register.filter
def result(operation: Operation) -> Shown:
    """How an operation stands, as a badge."""
    return RESULTS.get(OperationState(operation.state), Shown("In progress", "box", "info"))


@register.filter
def disks(vm: VirtualMachine) -> list[dict[str, str]]:
    """Disks in a member's words: 'Disk 1', '20 GiB'."""
    return [
        {"title": f"Disk {n}", "text": f"{disk.get('size_gib', '–')} GiB"}
        for n, disk in enumerate(vm.hardware.get("disks", []), 1)
    ]


@register.filter
def nics(vm: VirtualMachine) -> list[dict[str, str]]:
    """Network devices: 'Network 1' and its hardware address."""
    return [
        {"title": f"Network {n}", "text": str(nic.get("mac") or "–")}
        for n, nic in enumerate(vm.hardware.get("nics", []), 1)
    ]
