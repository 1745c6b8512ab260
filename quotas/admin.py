"""Limits in the admin. Policies have a file of their own."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.addresses import address_of
from accounts.admin_base import HISTORY, Both, DecidedAdmin, ReadOnlyAdmin, SeenForm, rtp_of
from accounts.seen import shown
from quotas import allowances, policy_admin
from quotas.impact_admin import ImpactMixin
from quotas.locking import lock_pool
from quotas.models import Allowance, MoreRequest, Reservation

__all__ = ["policy_admin"]
NUMBERS = ("cores", "memory_mib", "disk_gib")


class AllowanceForm(SeenForm):
    """An allowance to give, or one in place of another. Rows stay as history: none is rewritten.

    What is compared is which allowances of the pool are in force.
    """

    class Meta:
        model = Allowance
        fields = ("pool", *NUMBERS, "until", "reason")

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        for name in NUMBERS:
            policy_admin.limit_number(self.fields[name], least=1)  # type: ignore[arg-type]  # columns of whole numbers
        self.fields["until"].error_messages["invalid"] = "Write a date such as 2027-02-28."
        self.replaced = self.instance.pk
        if self.replaced:
            self.fields["pool"].disabled = True

    def fingerprint_of(self, row: Any) -> str:
        """The allowances in force of its pool."""
        return allowances.seen_of(row.pool_id) if row.pool_id else ""

    def clean_until(self) -> Any:
        """Today or later."""
        until = self.cleaned_data["until"]
        if until is not None and until < timezone.localdate():
            raise forms.ValidationError("This day is over. Choose today or a later one.")
        return until

    def clean(self) -> dict[str, Any]:
        """At least one number above zero. A new one is compared with what the impact page showed."""
        pool = self.cleaned_data.get("pool")
        if pool is not None and connection.in_atomic_block:
            lock_pool(pool.pk)
        cleaned = super().clean()
        for name in NUMBERS:
            if cleaned.get(name) == 0:
                self.add_error(name, "Write a number above zero.")
        if not self.errors and all(cleaned.get(name) is None for name in NUMBERS):
            self.add_error("cores", "Name at least one number.")
        if not self.errors and not self.instance.pk:
            self._compare(cleaned)
        return cleaned

    def _compare(self, cleaned: dict[str, Any]) -> None:
        pool = cleaned["pool"]
        now = allowances.seen_of(pool.pk)
        if "confirm" not in self.data:
            cleaned["seen"] = now
        elif cleaned.get("seen") != now:
            self._show_newest(pool.pk)

    def _show_both(self, saved: Any) -> None:
        self._show_newest(saved.pool_id)

    def _show_newest(self, pool_id: int) -> None:
        newest = allowances.in_force(pool_id).select_related("made_by").first()
        rows = [
            Both(str(self.fields[name].label), shown(getattr(newest, name, None)), shown(self.cleaned_data.get(name)))
            for name in (*NUMBERS, "until", "reason")
        ]
        who = str(newest.made_by) if newest is not None and newest.made_by is not None else "Somebody"
        self.show_both(rows, allowances.seen_of(pool_id), who)


@admin.register(Allowance)
class AllowanceAdmin(ImpactMixin, DecidedAdmin):
    """Raised limits, also those that ended."""

    why = (
        "An allowance is the limit where it names a number. Changing one ends it and gives another, "
        "so that what was once promised stays to be read."
    )
    form = AllowanceForm
    list_display = ["pool", "cores", "memory_mib", "disk_gib", "until", "reason", "made_by", "made_at", "ended_at"]
    list_filter = [("ended_at", admin.EmptyFieldListFilter), "until"]
    list_select_related = ["pool", "made_by"]
    search_fields = ["pool__name", "reason"]
    autocomplete_fields = ["pool"]
    actions = ["end_now"]

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """RTPs give them."""
        return True

    def trial_of(self, request: HttpRequest, form: Any) -> Callable[[], object]:
        """The gift itself."""
        return lambda: self._give(request, form)

    def save_model(self, request: HttpRequest, obj: Allowance, form: Any, change: bool) -> None:
        """By the operation that the pool's page calls: one audit row."""
        obj.pk = self._give(request, form).pk

    def _give(self, request: HttpRequest, form: Any) -> Allowance:
        typed = form.cleaned_data
        return allowances.give(
            typed["pool"], allowances.Numbers(*(typed[name] for name in NUMBERS)), reason=typed["reason"],
            until=typed["until"], by=rtp_of(request), address=address_of(request), instead_of=form.replaced,
        )  # fmt: skip

    @admin.action(description="End these allowances now")
    def end_now(self, request: HttpRequest, queryset: QuerySet[Allowance]) -> None:
        """One by one, each audited; nothing is stopped by it."""
        ended = sum(allowances.end(each, by=rtp_of(request), address=address_of(request)) for each in queryset)
        self.message_user(request, f"Ended: {ended}.", messages.SUCCESS)


@admin.register(MoreRequest)
class MoreRequestAdmin(ReadOnlyAdmin):
    """Requests for more and their answers."""

    why = "A request is answered on its own page in the portal, which tells the member."
    list_display = ["pool", "asked_by", "state", "cores", "memory_mib", "disk_gib", "until", "asked_at", "decided_by"]
    list_filter = ["state"]
    list_select_related = ["pool", "asked_by", "decided_by"]
    search_fields = ["pool__name", "reason"]
    exclude = ["ref"]


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    """Room held by operations in motion."""

    why = HISTORY
    list_display = ["pool", "purpose", "state", "cores", "memory_mib", "disk_gib", "held_until"]
    list_filter = ["state"]
    list_select_related = ["pool"]
    search_fields = ["pool__name", "purpose"]
