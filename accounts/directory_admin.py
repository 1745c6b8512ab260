"""The admin's view of the directory: its groups and passes to look at, its exceptions to change."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone

from accounts.addresses import address_of
from accounts.admin_base import HISTORY, ReadOnlyAdmin, RtpAdmin, rtp_of
from accounts.directory import exceptions
from accounts.directory.release import ReleaseRefused, release
from accounts.directory_forms import ExceptionForm
from accounts.models import DirectoryException, DirectoryGroup, DirectoryRun


@admin.register(DirectoryGroup)
class DirectoryGroupAdmin(ReadOnlyAdmin):
    """Groups that hold somebody we know."""

    why = "The directory decides who is in a group; a pass over it writes this."

    list_display = ["name", "members_seen", "seen_at"]
    search_fields = ["name"]


@admin.register(DirectoryRun)
class DirectoryRunAdmin(ReadOnlyAdmin):
    """Passes over the directory. A held list is released here or on the directory's page."""

    why = HISTORY

    list_display = ["started_at", "outcome", "members_read", "joined", "changed", "departed", "returned", "note"]
    list_filter = ["outcome"]
    actions = ["release_list"]

    @admin.action(description="Release the departures of this held pass")
    def release_list(self, request: HttpRequest, runs: QuerySet[DirectoryRun]) -> None:
        """Lets the next pass depart exactly those whom it lists."""
        for run in runs:
            try:
                release(run.pk, by=rtp_of(request), address=address_of(request), now=timezone.now())
            except ReleaseRefused as refused:
                self.message_user(request, refused.sentence, messages.ERROR)
            else:
                self.message_user(request, "Released. The next pass makes use of it, within an hour.")


@admin.register(DirectoryException)
class DirectoryExceptionAdmin(RtpAdmin):
    """Who counts as active until a date whatever the directory says."""

    form = ExceptionForm
    list_display = ["user", "until", "reason", "made_by", "made_at"]
    list_select_related = ["user", "made_by"]
    search_fields = ["user__username", "reason"]
    autocomplete_fields = ["user"]

    def save_model(
        self, request: HttpRequest, obj: DirectoryException, form: ModelForm[DirectoryException], change: bool
    ) -> None:
        """Saves, audits, and asks for a pass."""
        exceptions.save(obj, by=rtp_of(request), address=address_of(request))

    def delete_model(self, request: HttpRequest, obj: DirectoryException) -> None:
        """Ends it, audits, and asks for a pass."""
        exceptions.end(obj, by=rtp_of(request), address=address_of(request))
