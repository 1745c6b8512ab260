"""The admin's view of people and pools."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import pool_marks
from accounts.addresses import address_of
from accounts.admin_base import HISTORY, DecidedAdmin, ReadOnlyAdmin, SeenForm, rtp_of
from accounts.directory_admin import DirectoryExceptionAdmin, DirectoryGroupAdmin, DirectoryRunAdmin
from accounts.models import Alarm, AuditEvent, OutgoingMail, Pool, PoolMembership, User
from accounts.pool_marks import NO_REASON
from accounts.roles import PoolKind
from accounts.shared_pools import PoolRefused

#: Registered by being imported.
DIRECTORY = (DirectoryExceptionAdmin, DirectoryGroupAdmin, DirectoryRunAdmin)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    """People as the portal knows them."""

    why = (
        "The directory and the person's own sign-in decide this; a pass would undo a change. "
        "Locking, signing out and exceptions are on the portal's page of the person."
    )
    list_display = ["username", "kind", "is_rtp", "is_active", "departed_at", "locked_at", "last_login"]
    list_filter = ["kind", "is_rtp", "is_active", ("departed_at", admin.EmptyFieldListFilter)]
    ordering = ["username"]
    search_fields = ["username", "email", "first_name", "last_name"]
    exclude = ["password", "preferences", "groups", "user_permissions"]
    readonly_fields = ["in_the_portal"]

    @admin.display(description="In the portal")
    def in_the_portal(self, person: User) -> SafeString:
        """The page on which RTPs act."""
        return format_html('<a href="{}">Page of {}</a>', reverse("people:detail", args=[person.pk]), person)


class MembershipInline(admin.TabularInline[PoolMembership, Pool]):
    """Who is in a shared pool."""

    model = PoolMembership
    extra = 0
    can_delete = False
    readonly_fields = ["user", "role", "added_at"]

    def has_view_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Whoever is let into the admin may look."""
        return True

    def has_add_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """On the pool's page."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """On the pool's page."""
        return False


class PoolForm(SeenForm):
    """The two marks."""

    class Meta:
        model = Pool
        fields = ("hidden", "never_expires", "never_expires_reason")

    def clean(self) -> dict[str, Any]:
        """*Never expires* takes a reason; a removed pool is history."""
        cleaned = super().clean()
        if cleaned.get("never_expires") and not (cleaned.get("never_expires_reason") or "").strip():
            self.add_error("never_expires_reason", NO_REASON)
        if self.instance.removed_at is not None:
            self.add_error(None, f"{self.instance} was removed. It is kept as history.")
        return cleaned


@admin.register(Pool)
class PoolAdmin(DecidedAdmin):
    """Pools, what they are bound to, and the two marks of RTPs."""

    why = (
        "A pool is bound to Proxmox by a row, never by its name: a machine's rights hang on it. It is bound from the "
        "list of machines or by `manage.py bind_pools`, and Proxmox cannot rename it. Members are taken in on the "
        "pool's own page."
    )
    form = PoolForm
    list_display = ["name", "kind", "owner", "proxmox_poolid", "hidden", "never_expires", "closed_at"]
    list_filter = ["kind", "hidden", "never_expires", ("proxmox_poolid", admin.EmptyFieldListFilter)]
    list_select_related = ["owner"]
    search_fields = ["name", "proxmox_poolid", "owner__username"]
    inlines = [MembershipInline]
    actions = ["hide", "show"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything but the marks."""
        return ["in_the_portal", *(f.name for f in Pool._meta.fields if f.name not in PoolForm.Meta.fields)]

    @admin.display(description="In the portal")
    def in_the_portal(self, pool: Pool) -> SafeString:
        """The pages on which its members and limits are changed."""
        limits = format_html('<a href="{}">Limits of {}</a>', reverse("quotas:pool", args=[pool.pk]), pool)
        if pool.kind != PoolKind.SHARED:
            return limits
        return format_html('<a href="{}">Who is in it</a>, {}', reverse("vms:pool", args=[pool.pk]), limits)

    def save_model(self, request: HttpRequest, obj: Pool, form: forms.ModelForm[Pool], change: bool) -> None:
        """By the operation that the pool's page calls."""
        self._mark(request, obj, obj.hidden)

    @admin.action(description="Hide these pools from members' lists")
    def hide(self, request: HttpRequest, queryset: QuerySet[Pool]) -> None:
        """One by one, each audited."""
        self._mark_all(request, queryset, hidden=True)

    @admin.action(description="Show these pools in members' lists")
    def show(self, request: HttpRequest, queryset: QuerySet[Pool]) -> None:
        """One by one, each audited."""
        self._mark_all(request, queryset, hidden=False)

    def _mark_all(self, request: HttpRequest, pools: QuerySet[Pool], *, hidden: bool) -> None:
        changed = 0
        for pool in pools:
            try:
                changed += self._mark(request, pool, hidden)
            except PoolRefused as refused:
                self.message_user(request, refused.sentence, messages.ERROR)
        self.message_user(request, f"Changed: {changed}.", messages.SUCCESS)

    def _mark(self, request: HttpRequest, pool: Pool, hidden: bool) -> bool:
        return pool_marks.set_marks(
            pool, hidden=hidden, never_expires=pool.never_expires, reason=pool.never_expires_reason,
            by=rtp_of(request), address=address_of(request),
        )  # fmt: skip


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """The audit trail, newest first."""

    why = HISTORY
    list_display = ["at", "actor_name", "verb", "target_name", "pool", "address"]
    list_filter = ["target_kind", "at", "verb"]
    list_select_related = ["pool"]
    search_fields = ["actor_name", "verb", "target_name", "machine_uuid", "pool__name"]
    date_hierarchy = "at"


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    """What RTPs had to know, and until when."""

    why = HISTORY
    list_display = ["sentence", "kind", "raised_at", "ended_at"]
    list_filter = ["kind", ("ended_at", admin.EmptyFieldListFilter)]
    search_fields = ["sentence"]


@admin.register(OutgoingMail)
class OutgoingMailAdmin(ReadOnlyAdmin):
    """Mail on its way: to whom and why it has not gone. Its text is the recipient's."""

    why = "Mail is written by what happens and sent by a worker. Its text is the recipient's."
    list_display = ["to", "subject", "made_at", "sent_at", "tries", "error"]
    list_filter = [("sent_at", admin.EmptyFieldListFilter)]
    search_fields = ["to", "subject"]
    exclude = ["text", "html"]
