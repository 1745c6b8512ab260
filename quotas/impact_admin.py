"""The step before limits are saved in the admin: who changes, who falls below present use. Nothing is saved by it."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from accounts.admin_base import SeenForm
from quotas.impact import impact_of

NOT_SENT_ON = frozenset({"csrfmiddlewaretoken", "confirm", "seen"})


class ImpactMixin:
    """For a ModelAdmin: a valid POST shows its impact first; the same with `confirm` saves."""

    form: type[SeenForm]
    model: Any
    admin_site: Any

    def trial_of(self, request: HttpRequest, form: Any) -> Callable[[], object]:
        """What saving would do; it is tried and taken back."""
        raise NotImplementedError

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Impact first."""
        if request.method == "POST" and "confirm" not in request.POST:
            row = self.get_object(request, object_id) if object_id else None  # type: ignore[attr-defined]
            form = self.form(request.POST, instance=row)
            if (row is not None or not object_id) and form.is_valid():
                return self._impact(request, form)
        return super().changeform_view(request, object_id, form_url, extra_context)  # type: ignore[misc,no-any-return]

    def _impact(self, request: HttpRequest, form: SeenForm) -> HttpResponse:
        changed = impact_of(self.trial_of(request, form))
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
        context = {
            **self.admin_site.each_context(request),
            "title": "What this changes",
            "changed": changed,
            "below": sum(bool(each.below) for each in changed),
            "fields": [(name, value) for name, value in fields if name not in NOT_SENT_ON],
            "seen": form.cleaned_data.get("seen", ""),
            "object": str(form.cleaned_data.get("name") or form.instance),
            "back": reverse(f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_changelist"),
        }
        return TemplateResponse(request, "admin/quotas/impact.html", context)
