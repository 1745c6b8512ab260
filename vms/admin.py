"""The admin's view of machines, the catalog and the mirror, with what RTPs decide about them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.admin_base import ReadOnlyAdmin
from accounts.models import User
from vms.mirror.alarm import release_removal
from vms.mirror.binding import BindingRefused, bind
from vms.models import IsoImage, MirrorRun, Node, Operation, Storage, Template, VirtualMachine
from vms.operations import settle
from vms.operations.errors import Refusal
from vms.operations.missing import settle_missing


@admin.register(VirtualMachine)
class VirtualMachineAdmin(ReadOnlyAdmin):
    """Machines as last read."""

    list_display = ["name", "vmid", "node", "pool", "lifecycle", "power", "seen_poolid", "last_seen", "missing_since"]
    list_filter = ["lifecycle", "power", "node", ("missing_since", admin.EmptyFieldListFilter)]
    list_select_related = ["pool"]
    search_fields = ["name", "vmid", "smbios_uuid", "seen_poolid", "pool__name"]
    actions = ["bind_their_pools", "settle_as_gone"]

    @admin.action(description="Bind the Proxmox pools of these machines to shared pools of the same name")
    def bind_their_pools(self, request: HttpRequest, queryset: QuerySet[VirtualMachine]) -> None:
        """One row a pool; machines in them are adopted by the next readings."""
        poolids = set(queryset.filter(pool=None).exclude(seen_poolid="").values_list("seen_poolid", flat=True))
        for poolid in sorted(poolids):
            try:
                pool = bind(poolid, poolid, by=request.user)  # type: ignore[arg-type]  # the site lets RTPs in only
            except BindingRefused as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, f"{poolid} is bound to the pool {pool.name}.", messages.SUCCESS)
        if not poolids:
            self.message_user(request, "None of these machines is in an unbound pool of Proxmox.", messages.WARNING)

    @admin.action(description="These missing machines are gone: free their quota, keep their history")
    def settle_as_gone(self, request: HttpRequest, queryset: QuerySet[VirtualMachine]) -> None:
        """One by one; what is not missing is refused with a sentence."""
        for vm in queryset:
            try:
                settle_missing(vm, request.user, timezone.now(), request.META.get("REMOTE_ADDR", ""))  # type: ignore[arg-type]
            except Refusal as error:
                self.message_user(request, error.sentence, messages.ERROR)
            else:
                self.message_user(request, f"{vm.name} is gone.", messages.SUCCESS)


class MarkedAdmin(ReadOnlyAdmin):
    """Read-only but for the marks that RTPs set; each change is audited."""

    marks: tuple[str, ...] = ("is_hidden",)

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        """Marks may be changed."""
        return True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything that the mirror writes."""
        return [field.name for field in self.model._meta.fields if field.name not in self.marks]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The marks alone: the mirror may have written the rest meanwhile."""
        with transaction.atomic():
            obj.save(update_fields=list(self.marks))
            audit.record(
                actor=request.user,  # type: ignore[arg-type]  # the site lets RTPs in only
                verb="catalog.marked",
                target_kind=obj._meta.model_name,
                target_id=obj.pk,
                target_name=str(obj),
                **{mark: getattr(obj, mark) for mark in self.marks},
            )


@admin.register(Template)
class TemplateAdmin(MarkedAdmin):
    """Templates: what members read as title, and which are offered."""

    list_display = ["name", "title", "vmid", "node", "has_cloud_init", "is_hidden", "last_seen", "missing_since"]
    list_filter = ["is_hidden", "has_cloud_init"]
    search_fields = ["name", "title"]
    marks = ("is_hidden", "title")


@admin.register(IsoImage)
class IsoImageAdmin(MarkedAdmin):
    """ISO images, and which are offered."""

    list_display = ["name", "volid", "node", "size_bytes", "is_hidden", "last_seen", "missing_since"]
    list_filter = ["is_hidden", "node"]
    search_fields = ["name", "volid"]


@admin.register(MirrorRun)
class MirrorRunAdmin(ReadOnlyAdmin):
    """Readings of the cluster, newest first."""

    list_display = ["started_at", "answered", "is_complete", "frozen", "requests", "seen", "changed", "note"]
    list_filter = ["answered", "is_complete", "frozen"]
    actions = ["release_removal"]

    @admin.action(description="What vanished is really gone: count absences for a quarter of an hour")
    def release_removal(self, request: HttpRequest, queryset: QuerySet[MirrorRun]) -> None:
        """An RTP has looked."""
        release_removal(request.user)  # type: ignore[arg-type]  # the site lets RTPs in only
        self.message_user(request, "Absences count again for a quarter of an hour.", messages.SUCCESS)


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    """Operations with Proxmox's own words."""

    list_display = ["code", "kind", "state", "vm", "actor_name", "created_at", "finished_at", "sentence"]
    list_filter = ["state", "kind"]
    list_select_related = ["vm"]
    search_fields = ["code", "vm__name", "actor_name", "upid"]
    actions = ["say_done", "say_not_done", "look_again"]

    @admin.action(description="I looked: it was done")
    def say_done(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """For operations that wait for an RTP."""
        self._settle(request, queryset, settle.adopt)

    @admin.action(description="I looked: it was not done")
    def say_not_done(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """For operations that wait for an RTP."""
        self._settle(request, queryset, settle.mark_not_done)

    @admin.action(description="Let the portal look again")
    def look_again(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """For operations that wait for an RTP."""
        self._settle(request, queryset, settle.look_again)

    def _settle(
        self, request: HttpRequest, queryset: QuerySet[Operation], act: Callable[[Operation, User, str], None]
    ) -> None:
        for op in queryset:
            try:
                act(op, request.user, request.META.get("REMOTE_ADDR", ""))  # type: ignore[arg-type]  # RTPs only
            except Refusal as error:
                self.message_user(request, f"{op.code}: {error.sentence}", messages.ERROR)
            else:
                self.message_user(request, f"{op.code}: noted.", messages.SUCCESS)


@admin.register(Node)
class NodeAdmin(ReadOnlyAdmin):
    """Nodes as last read."""

    list_display = ["name", "is_online", "cpus", "memory_mib", "memory_used_mib", "last_seen"]


@admin.register(Storage)
class StorageAdmin(ReadOnlyAdmin):
    """Storages as last read."""

    list_display = ["name", "node", "is_shared", "content", "used_bytes", "total_bytes", "last_seen"]
    list_select_related = ["node"]
