"""Plots of CPU, memory, network and disk, drawn on the server from what a worker has read."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_GET

from accounts.view_as import readable_as_member
from vms import plots, selectors
from vms.access import vm_for
from vms.models import Operation, Plot, VirtualMachine
from vms.plotting import HEIGHT, SPANS_S, WIDTH, Frame, Point, Summary, nice_top, path, summary
from vms.states import Action, OperationKind, OperationState
from vms.verbs import verb
from vms.views.person import PersonRequest, person_required

#: What is marked on every picture.
MARKED = (
    OperationKind.START, OperationKind.SHUTDOWN, OperationKind.STOP, OperationKind.REBOOT, OperationKind.RESET,
    OperationKind.APPLY, OperationKind.SNAPSHOT, OperationKind.ROLL_BACK, OperationKind.RESIZE,
    OperationKind.GROW_DISK,
)  # fmt: skip
MOST_MARKS = 30
COLUMNS = ("time", "cpu", "memory_bytes", "most_memory_bytes", "net_in", "net_out", "disk_read", "disk_write")


@dataclass(frozen=True)
class Line:
    """One series of a picture."""

    label: str
    path: str
    summary: Summary | None


@dataclass(frozen=True)
class Mark:
    """Something that happened; `x` in the picture's units."""

    x: float
    at: datetime
    text: str


@dataclass(frozen=True)
class Picture:
    """One plot, ready to print. `told` says what it shows to whoever does not see it, `legend` which line is which.

    `rows`: (time, [(label, value)]), newest first.
    """

    title: str
    top: str
    lines: tuple[Line, ...]
    told: str
    legend: str
    width: int = WIDTH
    height: int = HEIGHT
    is_empty: bool = False
    rows: list[tuple[str, list[tuple[str, str]]]] = field(default_factory=list)


@require_GET
@readable_as_member
@person_required
def plots_of(request: PersonRequest, vm_id: int) -> HttpResponse:
    """What is stored of a span; looking makes a worker read it anew where it is older than a minute."""
    vm = vm_for(request.user, vm_id, Action.VIEW)
    span = request.GET.get("span", "hour")
    if span not in SPANS_S:
        raise Http404("There are plots of an hour, day, week, month and year.")
    now = timezone.now()
    plot = plots.look(vm, span, now)
    if request.GET.get("as") == "csv":
        return _csv(vm, plot)
    as_table = request.GET.get("as") == "table"
    context = {
        "tab": "overview",
        "vm": vm,
        "span": span,
        "spans": list(SPANS_S),
        "plot": plot,
        "pictures": pictures(vm, plot, now),
        "marks": marks(vm, span, now),
        "as_table": as_table,
        "is_waiting": plot.read_at is None and not plot.note,
        "width": WIDTH,
    }
    if request.htmx:
        return render(request, "vms/_plots.html", context)
    return render(request, "vms/plots.html", {**selectors.heading(request.user, vm, now), **context})


def pictures(vm: VirtualMachine, plot: Plot, now: datetime) -> list[Picture]:
    """CPU, memory, network, disk."""
    until = int(now.timestamp())
    frame = Frame(until - SPANS_S[plot.span], until, 1.0)
    tops = [row[3] for row in plot.rows if row[3]]
    memory = max(tops, default=vm.memory_mib * 1024**2 or 1)
    return [
        _picture("CPU", plot, frame, ("of its cores",), (1,), 1.0, percent),
        _picture("Memory", plot, frame, ("used",), (2,), float(memory), size),
        _picture("Network", plot, frame, ("in", "out"), (4, 5), None, rate),
        _picture("Disk", plot, frame, ("read", "written"), (6, 7), None, rate),
    ]


def _picture(  # noqa: PLR0917 (a table's columns)
    title: str,
    plot: Plot,
    frame: Frame,
    labels: tuple[str, ...],
    columns: tuple[int, ...],
    top: float | None,
    words: Callable[[float], str],
) -> Picture:
    series: list[list[Point]] = [[(int(row[0]), row[column]) for row in plot.rows] for column in columns]
    most = max((value for points in series for _at, value in points if value is not None), default=0.0)
    scale = Frame(frame.since, frame.until, top or nice_top(max(most, 1024.0)))
    lines = tuple(
        Line(label, path(points, scale), summary(points)) for label, points in zip(labels, series, strict=True)
    )
    cells = tuple(zip(labels, columns, strict=True))
    rows = [(clock(int(row[0])), [(name, _cell(row[c], words)) for name, c in cells]) for row in reversed(plot.rows)]
    told = " ".join(_told(title, line, words) for line in lines if line.summary)
    return Picture(title, words(scale.top), lines, told, _legend(lines, words), is_empty=not told, rows=rows)


def _cell(value: float | None, words: Callable[[float], str]) -> str:
    return "–" if value is None else words(value)


def _legend(lines: tuple[Line, ...], words: Callable[[float], str]) -> str:
    """'now 4 %'; of two lines 'in 2 KiB/s, out 1 KiB/s (dashed)'."""
    known = [(line.label, words(line.summary.now)) for line in lines if line.summary]
    if len(lines) == 1:
        return "".join(f"now {value}" for _label, value in known)
    dashed = lines[1].label
    return ", ".join(f"{label} {value}{' (dashed)' if label == dashed else ''}" for label, value in known)


def _told(title: str, line: Line, words: Callable[[float], str]) -> str:
    found = line.summary
    if found is None:
        return ""
    most = f"most {words(found.most)} at {clock(found.most_at)}"
    return f"{title} {line.label}: now {words(found.now)}, least {words(found.least)}, {most}."


def marks(vm: VirtualMachine, span: str, now: datetime) -> list[Mark]:
    """What was done to the machine within the span, oldest first."""
    until = int(now.timestamp())
    frame = Frame(until - SPANS_S[span], until, 1.0)
    since = datetime.fromtimestamp(frame.since, UTC)
    done = Operation.objects.filter(vm=vm, kind__in=MARKED, state=OperationState.SUCCEEDED, finished_at__gte=since)
    found = done.order_by("-finished_at").values_list("kind", "finished_at")[:MOST_MARKS]
    return [Mark(frame.x(int(at.timestamp())), at, verb(kind).label) for kind, at in reversed(found) if at is not None]


def percent(value: float) -> str:
    """'4 %' of 0.04."""
    return f"{value * 100:.0f} %"


def size(value: float) -> str:
    """'1.5 GiB' of bytes."""
    for unit, bytes_in in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if value >= bytes_in:
            return f"{value / bytes_in:.3g} {unit}"
    return f"{value:.0f} B"


def rate(value: float) -> str:
    """'1.5 MiB/s' of bytes a second."""
    return f"{size(value)}/s"


def clock(at_s: int) -> str:
    """'14:02' today, '12 May 14:02' before."""
    local = timezone.localtime(datetime.fromtimestamp(at_s, UTC))
    return date_format(local, "H:i" if local.date() == timezone.localdate() else "j M H:i")


def _csv(vm: VirtualMachine, plot: Plot) -> HttpResponse:
    """What is stored, with times in UTC and empty fields where nothing was measured."""
    name = f"{vm.name}-{plot.span}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    answer = HttpResponse(content_type="text/csv; charset=utf-8", headers=headers)
    sheet = csv.writer(answer)
    sheet.writerow(COLUMNS)
    for row in plot.rows:
        sheet.writerow([datetime.fromtimestamp(int(row[0]), UTC).isoformat(), *row[1:]])
    return answer
