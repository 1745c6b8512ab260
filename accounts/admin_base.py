"""Base classes of every app's admin: what is only looked at, what RTPs decide, and two RTPs on one row."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict

from accounts.models import AuditEvent, User
from accounts.seen import fingerprint, shown

MIRRORED = "Proxmox decides what is read-only here; the mirror writes it, and would undo a change within seconds."
HISTORY = "This is history: it is written by what happened, and changed by nobody."
CHANGED = "saved this while you had it open. Nothing of yours was saved. Save again to put yours in its place."


class WhyAdmin(admin.ModelAdmin[Any]):
    """Says on its pages why something cannot be changed there (`why`)."""

    why = ""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with the sentence."""
        return super().changelist_view(request, {"why": self.why, **(extra_context or {})})

    def render_change_form(  # noqa: PLR0917 (Django's own signature)
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,
        form_url: str = "", obj: Any = None,
    ) -> HttpResponse:  # fmt: skip
        """The row, with the sentence."""
        return super().render_change_form(request, {"why": self.why, **context}, add, change, form_url, obj)


class ReadOnlyAdmin(WhyAdmin):
    """Looking is allowed, changing is not, also for superusers."""

    def has_view_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Whoever is let into the admin may look."""
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Listed on the index."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False


@dataclass(frozen=True)
class Both:
    """One field of which there are two versions."""

    label: str
    theirs: str
    mine: str


class SeenForm(forms.ModelForm[Any]):
    """A form of a row with the fingerprint of what its editor saw.

    Saved by somebody else meanwhile: both versions are shown side by side (`both`), what was typed stays, nothing is
    written. `clean` reads the row under its lock, in the transaction that saves.
    """

    seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)
    both: tuple[Both, ...] = ()

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        if self.instance.pk:
            self.fields["seen"].initial = self.fingerprint_of(self.instance)

    @property
    def columns(self) -> list[str]:
        """Names of the row's columns in this form."""
        return [name for name in self.fields if name != "seen" and _is_column(self.instance, name)]

    def fingerprint_of(self, row: Model) -> str:
        """What is compared."""
        return fingerprint(row, self.columns)

    def clean(self) -> dict[str, Any]:
        """Refuses what another RTP changed meanwhile."""
        cleaned = super().clean() or {}
        if self.instance.pk and not self.errors:
            saved = _locked(self.instance)
            if saved is None:
                self.add_error(None, "Somebody deleted this while you had it open. Nothing was saved.")
            elif self.fingerprint_of(saved) != cleaned.get("seen"):
                self._show_both(saved)
        return cleaned

    def _show_both(self, saved: Model) -> None:
        versions = [(name, shown(getattr(saved, name)), shown(self.cleaned_data.get(name))) for name in self.columns]
        self.show_both(
            [Both(str(self.fields[name].label), theirs, mine) for name, theirs, mine in versions if theirs != mine],
            self.fingerprint_of(saved),
            _last_editor(saved),
        )

    def show_both(self, both: list[Both], seen: str, who: str) -> None:
        """The next send is meant for what was just shown."""
        self.both = tuple(both)
        self.add_error(None, f"{who} {CHANGED}")
        if isinstance(self.data, QueryDict):
            kept = self.data.copy()
            kept[self.add_prefix("seen")] = seen
            self.data = kept


class DecidedAdmin(WhyAdmin):
    """Rows of which RTPs decide something; two of them on one row never overwrite each other."""

    form = SeenForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the fingerprint, which the template writes."""
        return [name for name in super().get_fields(request, obj) if name != "seen"]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Listed on the index."""
        return True

    def has_view_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """RTPs look."""
        return True

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """RTPs change."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never: somebody else makes them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Never."""
        return False


class RtpAdmin(DecidedAdmin):
    """What RTPs decide about wholly: they also add and delete. The site lets nobody else in."""

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """RTPs add."""
        return True

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """RTPs delete."""
        return True

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """One by one, so that each has its audit row."""
        for row in queryset:
            self.delete_model(request, row)


def rtp_of(request: HttpRequest) -> User:
    """The RTP who asks."""
    assert isinstance(request.user, User)  # noqa: S101 (the site lets in nobody else)
    return request.user


def _is_column(row: Model, name: str) -> bool:
    try:
        row._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def _locked(row: Model) -> Model | None:
    """The row as it is now; locked until the transaction ends, where there is one."""
    rows = type(row)._default_manager.filter(pk=row.pk)
    if connection.in_atomic_block:
        rows = rows.select_for_update(no_key=True)
    return rows.first()


def _last_editor(row: Model) -> str:
    """Who the audit trail names last; a person who reads it knows whom to ask."""
    events = AuditEvent.objects.filter(target_kind=row._meta.model_name, target_id=str(row.pk))
    return events.values_list("actor_name", flat=True).first() or "Somebody"
