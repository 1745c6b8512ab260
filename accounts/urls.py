"""Paths of accounts: the parts of allauth that local accounts need, and no sign-up."""

from allauth.account import views as account_views
from django.contrib.auth.decorators import login_required
from django.urls import include, path

from accounts import local_views, proof_views, views
from accounts.oidc import views as house_views

urlpatterns = [
    path("", views.home, name="account_home"),
    path("preferences/", views.save_preferences, name="account_preferences"),
    path("keys/<int:key_id>/remove/", views.remove_ssh_key, name="account_key_remove"),
    path("inactive/", views.inactive, name="account_inactive"),
    path("login/", local_views.SignInView.as_view(), name="account_login"),
    path("logout/", house_views.SignOut.as_view(), name="account_logout"),
    path("house/", house_views.start, name="oidc_start"),
    path("house/callback/", house_views.callback, name="oidc_callback"),
    path("house/logout/", house_views.backchannel, name="oidc_backchannel"),
    path("reauthenticate/", account_views.reauthenticate, name="account_reauthenticate"),
    path("proof/", proof_views.proof, name="account_proof"),
    path("proof/house/", proof_views.proof_house, name="account_proof_house"),
    path("password/change/", account_views.password_change, name="account_change_password"),
    path("password/reset/", local_views.ask_for_reset, name="account_reset_password"),
    path("password/reset/<slug:ref>/", local_views.reset_password, name="account_reset_password_code"),
    path("break-glass/<slug:ref>/", local_views.break_glass, name="account_break_glass"),
    path("2fa/", login_required(local_views.FactorsView.as_view()), name="mfa_index"),
    path("2fa/webauthn/add/", local_views.AddPasskeyView.as_view(), name="mfa_add_webauthn"),
    path("2fa/webauthn/keys/<int:pk>/remove/", local_views.RemovePasskeyView.as_view(), name="mfa_remove_webauthn"),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", local_views.SessionsView.as_view(), name="usersessions_list"),
    path("sessions/<int:session_id>/end/", local_views.end_session, name="account_session_end"),
]
