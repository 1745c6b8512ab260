"""Paths of the RTPs' pages about people and the directory."""

from django.urls import path

from accounts import directory_pages

app_name = "people"
urlpatterns = [
    path("directory/", directory_pages.directory, name="directory"),
    path("directory/release/", directory_pages.release, name="release"),
]
