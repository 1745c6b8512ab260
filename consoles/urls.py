"""Paths of consoles."""

from django.urls import path

from consoles import views

app_name = "consoles"
urlpatterns = [
    path("vms/<int:vm_id>/console/", views.page, name="page"),
    path("vms/<int:vm_id>/console/grant", views.grant, name="grant"),
    path("consoles/<int:visit_id>/end/", views.end, name="end"),
]
