"""Paths of the RTPs' pages about people and the directory."""

from django.urls import path

from accounts import announcement_views, directory_pages, people_views

app_name = "people"
urlpatterns = [
    path("people/", people_views.people_list, name="list"),
    path("people/<int:person_id>/", people_views.detail, name="detail"),
    path("people/<int:person_id>/lock/", people_views.lock, name="lock"),
    path("people/<int:person_id>/unlock/", people_views.unlock, name="unlock"),
    path("people/<int:person_id>/sign-out/", people_views.sign_out, name="sign_out"),
    path("people/<int:person_id>/view/", people_views.view_begin, name="view_as"),
    path("people/stop-viewing/", people_views.view_end, name="view_end"),
    path("alarms/<int:alarm_id>/seen/", people_views.alarm_seen, name="alarm_seen"),
    path("announcement/", announcement_views.announcement, name="announcement"),
    path("announcement/end/", announcement_views.end_announcement, name="end_announcement"),
    path("directory/", directory_pages.directory, name="directory"),
    path("directory/release/", directory_pages.release, name="release"),
]
