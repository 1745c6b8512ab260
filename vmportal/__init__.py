"""Wiring of the portal: settings, entry points, schedule. No behaviour lives here."""

from vmportal.celery import app as celery_app

__all__ = ["celery_app"]
