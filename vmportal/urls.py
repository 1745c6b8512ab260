"""Root URLconf: one include per app."""

from django.contrib import admin
from django.urls import include, path

from vmportal.health import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("rtp/", include("accounts.people_urls")),
    path("quotas/", include("quotas.urls")),
    path("", include("vms.urls")),
    path("", include("consoles.urls")),
]
