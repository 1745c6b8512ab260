"""The admin's view of machines, the catalog and the mirror, with what RTPs decide about them."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.forms import IntegerField
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.addresses import address_of
from accounts.admin_base import HISTORY, MIRRORED, DecidedAdmin, ReadOnlyAdmin, SeenForm, rtp_of
from accounts.models import User
from quotas.errors import QuotaExceeded
from vms import catalog_marks
from vms.mirror.alarm import release_removal
from vms.mirror.binding import BindingRefused, bind
from vms.models import ClusterTask, IsoImage, Leftover, MirrorRun, Node, Operation, Storage, Template, VirtualMachine
from vms.operations import names, settle, trial
from vms.operations.errors import Refusal
from vms.operations.missing import settle_missing


@admin.register(VirtualMachine)
class VirtualMachineAdmin(ReadOnlyAdmin):
    """Machines as last read."""

    why = MIRRORED + " What members and RTPs decide is asked for on the machine's own page."

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
                pool = bind(poolid, poolid, by=rtp_of(request))
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
                settle_missing(vm, rtp_of(request), timezone.now(), address_of(request))
            except Refusal as error:
                self.message_user(request, error.sentence, messages.ERROR)
            else:
                self.message_user(request, f"{vm.name} is gone.", messages.SUCCESS)


class MarkedAdmin(DecidedAdmin):
    """Read-only but for what RTPs decide; each change is audited once."""

    why = MIRRORED
    marks: tuple[str, ...] = ("is_hidden",)
    actions: Any = ["hide", "show"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What RTPs decide first."""
        return [*self.marks, *self.get_readonly_fields(request, obj)]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Everything that the mirror writes."""
        return [field.name for field in self.model._meta.fields if field.name not in {*self.marks, "id"}]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """By the operation, which writes the decided columns alone: the mirror may have written the rest meanwhile."""
        marks = {name: form.cleaned_data[name] for name in self.marks}
        catalog_marks.decide_on(obj, marks, by=rtp_of(request), address=address_of(request))

    @admin.action(description="Hide these from members")
    def hide(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """One by one, each audited."""
        self._mark_all(request, queryset, is_hidden=True)

    @admin.action(description="Show these to members")
    def show(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """One by one, each audited."""
        self._mark_all(request, queryset, is_hidden=False)

    def _mark_all(self, request: HttpRequest, rows: QuerySet[Any], *, is_hidden: bool) -> None:
        by, address = rtp_of(request), address_of(request)
        marks = {"is_hidden": is_hidden}
        changed = sum(catalog_marks.decide_on(row, marks, by=by, address=address) for row in rows)
        self.message_user(request, f"Changed: {changed}.", messages.SUCCESS)


class TemplateForm(SeenForm):
    """What RTPs decide about a template."""

    class Meta:
        model = Template
        fields = catalog_marks.TEMPLATE

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, **kw)
        for name, (least, most) in catalog_marks.LEAST_SIZES.items():
            field = self.fields[name]
            assert isinstance(field, IntegerField)  # noqa: S101 (they are columns of whole numbers)
            field.error_messages["invalid"] = "Write a whole number such as 2, without a unit. Empty: any size."
            field.validators += [
                MinValueValidator(least, f"At least {least}."),
                MaxValueValidator(most, f"At most {most}."),
            ]

    def clean_login_user(self) -> str:
        """A name that a guest's system takes."""
        try:
            return names.checked_login_user(self.cleaned_data["login_user"])
        except Refusal as refusal:
            raise ValidationError(refusal.sentence) from refusal

    def clean_least_disk_gib(self) -> int | None:
        """Never below the template's own disk."""
        wanted: int | None = self.cleaned_data["least_disk_gib"]
        own: int = self.instance.disk_gib
        if wanted is not None and wanted < own:
            raise ValidationError(f"The template's own disk has {own} GiB already. Write {own} or more, or nothing.")
        return wanted


@admin.register(Template)
class TemplateAdmin(MarkedAdmin):
    """Templates: what members read as title, the sizes it works with, and which are offered."""

    form = TemplateForm
    marks = catalog_marks.TEMPLATE
    list_display = ["name", "title", "vmid", "node", "has_cloud_init", "is_hidden", "last_seen", "missing_since"]
    list_filter = ["is_hidden", "has_cloud_init", "node", ("missing_since", admin.EmptyFieldListFilter)]
    search_fields = ["name", "title"]
    actions = ["hide", "show", "test_clone"]

    @admin.action(description="Make a small test clone in your own pool")
    def test_clone(self, request: HttpRequest, queryset: QuerySet[Template]) -> None:
        """Asks the ordinary creation, and leads to the operation."""
        for template in queryset:
            try:
                op = trial.request_test_clone(
                    template, by=rtp_of(request), address=address_of(request), key=uuid4().hex
                )
            except (Refusal, QuotaExceeded) as error:
                self.message_user(request, f"{template}: {error.sentence}", messages.ERROR)
                continue
            link = reverse("vms:operation", args=[op.vm_id, op.pk])
            said = format_html('{} is being made: <a href="{}">{}</a>.', op.vm.name, link, op.code)
            self.message_user(request, said, messages.SUCCESS)


@admin.register(IsoImage)
class IsoImageAdmin(MarkedAdmin):
    """ISO images, and which are offered."""

    list_display = ["name", "volid", "node", "size_bytes", "is_hidden", "last_seen", "missing_since"]
    list_filter = ["is_hidden", "node", ("missing_since", admin.EmptyFieldListFilter)]
    search_fields = ["name", "volid"]


@admin.register(MirrorRun)
class MirrorRunAdmin(ReadOnlyAdmin):
    """Readings of the cluster, newest first."""

    why = HISTORY

    list_display = ["started_at", "answered", "is_complete", "frozen", "requests", "seen", "changed", "note"]
    list_filter = ["answered", "is_complete", "frozen"]
    actions = ["release_removal"]

    @admin.action(description="What vanished is really gone: count absences for a quarter of an hour")
    def release_removal(self, request: HttpRequest, queryset: QuerySet[MirrorRun]) -> None:
        """An RTP has looked."""
        release_removal(rtp_of(request))
        self.message_user(request, "Absences count again for a quarter of an hour.", messages.SUCCESS)


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    """Operations with Proxmox's own words."""

    why = "An operation is written by the workers that walk it. What waits for an RTP is settled by the actions."

    list_display = ["code", "kind", "state", "vm", "actor_name", "created_at", "finished_at", "sentence"]
    list_filter = ["state", "kind", "created_at"]
    list_select_related = ["vm"]
    date_hierarchy = "created_at"
    search_fields = ["code", "vm__name", "actor_name", "upid"]
    actions = ["say_done", "say_not_done", "try_again", "look_again"]

    @admin.action(description="I looked: it was done")
    def say_done(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """For operations that wait for an RTP."""
        self._settle(request, queryset, settle.adopt)

    @admin.action(description="I looked: it was not done")
    def say_not_done(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """For operations that wait for an RTP."""
        self._settle(request, queryset, settle.mark_not_done)

    @admin.action(description="Try again, once it is proven that nothing happened")
    def try_again(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """For operations that wait for an RTP."""
        self._settle(request, queryset, settle.retry)

    @admin.action(description="Let the portal look again")
    def look_again(self, request: HttpRequest, queryset: QuerySet[Operation]) -> None:
        """For operations that wait for an RTP."""
        self._settle(request, queryset, settle.look_again)

    def _settle(
        self, request: HttpRequest, queryset: QuerySet[Operation], act: Callable[[Operation, User, str], None]
    ) -> None:
        for op in queryset:
            try:
                act(op, rtp_of(request), address_of(request))
            except Refusal as error:
                self.message_user(request, f"{op.code}: {error.sentence}", messages.ERROR)
            else:
                self.message_user(request, f"{op.code}: noted.", messages.SUCCESS)


@admin.register(Node)
class NodeAdmin(ReadOnlyAdmin):
    """Nodes as last read."""

    why = MIRRORED
    list_filter = ["is_online"]

    list_display = ["name", "is_online", "cpus", "memory_mib", "memory_used_mib", "last_seen"]


@admin.register(Storage)
class StorageAdmin(ReadOnlyAdmin):
    """Storages as last read."""

    why = MIRRORED
    list_filter = ["is_shared", "node"]
    search_fields = ["name"]

    list_display = ["name", "node", "is_shared", "content", "used_bytes", "total_bytes", "last_seen"]
    list_select_related = ["node"]


@admin.register(ClusterTask)
class ClusterTaskAdmin(ReadOnlyAdmin):
    """What somebody did to our machines in Proxmox itself."""

    why = HISTORY
    list_display = ["began_at", "kind", "vm", "user", "ended_at", "exit_text"]
    list_filter = ["kind", "began_at"]
    list_select_related = ["vm"]
    search_fields = ["vm__name", "user", "upid"]


@admin.register(Leftover)
class LeftoverAdmin(ReadOnlyAdmin):
    """Disks without a machine, also those that are gone by now."""

    why = "The storage scan writes this. The portal deletes none of them."
    list_display = ["volid", "node", "vmid", "size_bytes", "first_seen", "last_seen", "gone_at"]
    list_filter = [("gone_at", admin.EmptyFieldListFilter), "node"]
    search_fields = ["volid", "vmid"]
