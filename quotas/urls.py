"""Paths of quotas."""

from django.urls import path

from quotas import rtp_views, views

app_name = "quotas"
urlpatterns = [
    path("ask/", views.ask, name="ask"),
    path("requests/", views.requests, name="requests"),
    path("requests/<str:asked_ref>/", views.request_page, name="request"),
    path("requests/<str:asked_ref>/answer/", views.answer, name="answer"),
    path("requests/<str:asked_ref>/withdraw/", views.withdraw, name="withdraw"),
    path("pools/<int:pool_id>/", rtp_views.pool, name="pool"),
    path("allowances/<int:allowance_id>/end/", rtp_views.end_allowance, name="end_allowance"),
]
