"""Settings of the tests: the portal's own, with short periods and quick hashing."""

import os
import tempfile
from pathlib import Path

_folder = Path(os.environ.get("VMPORTAL_TEST_DIR") or tempfile.mkdtemp(prefix="vmportal-test-"))
os.environ.setdefault("SECRET_KEY", "a-key-for-tests-only-that-is-long-enough-to-pass")
os.environ.setdefault("DATA_DIR", str(_folder))
os.environ.setdefault("LOG_LEVEL", "WARNING")

from vmportal.settings import *  # noqa: E402, F403 (the variables above must be set first)

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Many tests open many sockets of one person; the tests of these limits set them.
CONSOLE_MAX_PER_PERSON = int(os.environ.get("CONSOLE_MAX_PER_PERSON", "1000"))
CONSOLE_MAX_PER_NODE = int(os.environ.get("CONSOLE_MAX_PER_NODE", "4000"))
CONSOLE_MAX_SAME_VM = int(os.environ.get("CONSOLE_MAX_SAME_VM", "1000"))
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS = {}
Path(STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # noqa: F405 (whitenoise warns where there is none)
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    # A file, so that threads and child processes see the same rows.
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}  # noqa: F405
# A directory that nobody answers for, until tests.slapd.asked puts one there.
DATABASES.setdefault("ldap", {"ENGINE": "accounts.ldap.engine", "NAME": "ldap://127.0.0.1:9", "TLS": False})  # noqa: F405
