"""Paths of accounts: the parts of allauth that local accounts need, and no sign-up."""

from allauth.account import views as account_views
from allauth.usersessions import views as session_views
from django.urls import include, path

from accounts import views

urlpatterns = [
    path("", views.home, name="account_home"),
    path("keys/<int:key_id>/remove/", views.remove_ssh_key, name="account_key_remove"),
    path("inactive/", views.inactive, name="account_inactive"),
    path("login/", account_views.login, name="account_login"),
    path("logout/", account_views.logout, name="account_logout"),
    path("reauthenticate/", account_views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account_views.password_change, name="account_change_password"),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", session_views.list_usersessions, name="usersessions_list"),
]
