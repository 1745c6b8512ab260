"""Paths of consoles."""

from django.urls import path

from consoles import rtp_views, share_views, views

app_name = "consoles"
urlpatterns = [
    path("vms/<int:vm_id>/console/", views.page, name="page"),
    path("vms/<int:vm_id>/console/grant", views.grant, name="grant"),
    path("consoles/<int:visit_id>/end/", views.end, name="end"),
    path("vms/<int:vm_id>/console/share/", share_views.share, name="share"),
    path("consoles/shares/<int:revoke_id>/revoke/", share_views.revoke, name="revoke_share"),
    path("consoles/shared/<str:share_ref>/", share_views.shared, name="shared"),
    path("consoles/guest/<int:share_id>/", share_views.guest, name="guest"),
    path("consoles/guest/<int:share_id>/grant", share_views.guest_grant, name="guest_grant"),
    path("rtp/consoles/", rtp_views.consoles, name="rtp"),
    path("rtp/consoles/<int:visit_id>/end/", rtp_views.end_one, name="rtp_end"),
    path("rtp/consoles/at/<str:node>/end/", rtp_views.end_node, name="rtp_end_node"),
]
