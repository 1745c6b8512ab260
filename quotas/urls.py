"""Paths of quotas."""

from django.urls import path

from quotas import views

app_name = "quotas"
urlpatterns = [
    path("ask/", views.ask, name="ask"),
    path("requests/", views.requests, name="requests"),
    path("requests/<str:asked_ref>/", views.request_page, name="request"),
    path("requests/<str:asked_ref>/answer/", views.answer, name="answer"),
    path("requests/<str:asked_ref>/withdraw/", views.withdraw, name="withdraw"),
]
