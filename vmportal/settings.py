"""The portal's settings. Every value comes from an environment variable through `env.py`.

docs/configuration.md explains each variable; a test compares the two.
"""

from pathlib import Path

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from vmportal.env import SQLITE, from_process, origin_of
from vmportal.logs import log_config
from vmportal.schedule import beat_schedule

django_stubs_ext.monkeypatch()
env = from_process()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- what this process is --------------------------------------------------------------------------------
DEBUG = False
DEMO = env.flag("DEMO", default=False)
VMPORTAL_ROLE = env.one_of("VMPORTAL_ROLE", "all", ("all", "web", "consoles", "worker"))
DATA_DIR = env.path("DATA_DIR", BASE_DIR / "data")
BUILD_DIR = env.path("BUILD_DIR", BASE_DIR / "build")

# --- the site --------------------------------------------------------------------------------------------
SITE_NAME = env.text("SITE_NAME", "House VMs")
SITE_URL = env.origin("SITE_URL", "http://127.0.0.1:8000")
SECURE = SITE_URL.startswith("https://")
SITE_HOST = SITE_URL.split("://", 1)[1].rsplit(":", 1)[0]
SECRET_KEY = env.key("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.secrets("SECRET_KEY_FALLBACKS")
AUDIT_KEY = env.key("AUDIT_KEY", may_be_absent=True)
AUDIT_KEY_FALLBACKS = env.secrets("AUDIT_KEY_FALLBACKS")
AUDIT_SEAL_DELAY_S = env.integer("AUDIT_SEAL_DELAY_S", 300)
ALLOWED_HOSTS = list(env.words("ALLOWED_HOSTS", (SITE_HOST,)))
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0, most=5)
CSRF_TRUSTED_ORIGINS = [SITE_URL]
if DEMO and SITE_HOST not in {"127.0.0.1", "localhost"}:
    raise ImproperlyConfigured(f"SITE_URL is {SITE_URL!r}. In demo mode it takes a loopback address only.")

# --- apps and middleware ---------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "accounts.apps.AccountsConfig",
    "accounts.ldap.apps.DirectoryConfig",
    "quotas.apps.QuotasConfig",
    "vms.apps.VmsConfig",
    "consoles.apps.ConsolesConfig",
    "vmportal.apps.PortalAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "channels",
    "csp",
    "django_htmx",
    "vmportal.apps.WiringConfig",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.NoStoreMiddleware",
    "accounts.oidc.middleware.HouseSessionRefresh",
    "accounts.local_middleware.LocalAccountsMiddleware",
    "accounts.rtp_middleware.ProofMiddleware",
    "accounts.rtp_middleware.ViewAsMiddleware",
]
ROOT_URLCONF = "vmportal.urls"
ASGI_APPLICATION = "vmportal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.site",
            ],
            "builtins": ["django.templatetags.static", "django.contrib.humanize.templatetags.humanize"],
        },
    }
]

# --- data ------------------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, object]] = {"default": env.database("DATABASE_URL", DATA_DIR / "portal.sqlite3")}
DATABASE_WAIT_S = env.seconds("DATABASE_WAIT_S", 20)
if DATABASES["default"]["ENGINE"] == SQLITE:
    # IMMEDIATE: a transaction that will write takes the lock at its start, so that it never fails half-way.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": DATABASE_WAIT_S,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},  # what goes beyond is thrown out, counts of tries included
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_TZ = True
LANGUAGE_CODE = "en-gb"
USE_I18N = False

# --- the house's directory -------------------------------------------------------------------------------
LDAP_URL = env.directory("LDAP_URL")
LDAP_BIND_DN = env.text("LDAP_BIND_DN")
LDAP_BIND_PASSWORD = env.secret("LDAP_BIND_PASSWORD")
LDAP_START_TLS = env.flag("LDAP_START_TLS", default=LDAP_URL.startswith("ldap://"))
LDAP_CA_FILE = env.text("LDAP_CA_FILE")
LDAP_LAYOUT = env.one_of("LDAP_LAYOUT", "freeipa", ("freeipa", "plain"))
LDAP_MEMBER_BASE = env.text("LDAP_MEMBER_BASE")
LDAP_GROUP_BASE = env.text("LDAP_GROUP_BASE")
LDAP_MEMBER_CLASS = env.text("LDAP_MEMBER_CLASS")
LDAP_GROUP_CLASS = env.text("LDAP_GROUP_CLASS")
LDAP_UUID_ATTRIBUTE = env.text("LDAP_UUID_ATTRIBUTE")
LDAP_UID_ATTRIBUTE = env.text("LDAP_UID_ATTRIBUTE")
LDAP_NAME_ATTRIBUTE = env.text("LDAP_NAME_ATTRIBUTE")
LDAP_MAIL_ATTRIBUTE = env.text("LDAP_MAIL_ATTRIBUTE")
LDAP_CONNECT_TIMEOUT_S = env.seconds("LDAP_CONNECT_TIMEOUT_S", 3)
LDAP_TIMEOUT_S = env.seconds("LDAP_TIMEOUT_S", 8)
LDAP_PAGE_SIZE = env.integer("LDAP_PAGE_SIZE", 500, least=1, most=10_000)
MIGRATION_MODULES = {"directory": None}
DATABASE_ROUTERS = ["accounts.ldap.router.DirectoryRouter"]
if LDAP_URL:
    DATABASES["ldap"] = {
        "ENGINE": "accounts.ldap.engine",
        "NAME": LDAP_URL,
        "USER": LDAP_BIND_DN,
        "PASSWORD": LDAP_BIND_PASSWORD,
        "TLS": LDAP_START_TLS,
        "CONNECTION_OPTIONS": {},
    }
DIRECTORY_ACTIVE_GROUPS = env.words("DIRECTORY_ACTIVE_GROUPS", ("active", "current_student"))
DIRECTORY_RTP_GROUP = env.text("DIRECTORY_RTP_GROUP", "rtp")
DIRECTORY_PERIOD_S = env.seconds("DIRECTORY_PERIOD_S", 600)
DIRECTORY_GUARD_LEAST = env.integer("DIRECTORY_GUARD_LEAST", 3)
DIRECTORY_GUARD_PERCENT = env.integer("DIRECTORY_GUARD_PERCENT", 10, most=100)
DIRECTORY_STALE_S = env.seconds("DIRECTORY_STALE_S", 1800)
DEPARTURE_DAYS = env.integer("DEPARTURE_DAYS", 7, most=365)
LEASE_DAYS = env.integer("LEASE_DAYS", 91, least=1, most=3650)
LEASE_HOUR = env.integer("LEASE_HOUR", 5, most=23)
LEASE_PERIOD_S = env.seconds("LEASE_PERIOD_S", 600)
LEASE_AWAY_S = env.seconds("LEASE_AWAY_S", 21_600)
LEASE_READING_S = env.seconds("LEASE_READING_S", 600)
LEASE_MOST_ACTS = env.integer("LEASE_MOST_ACTS", 5)
TRASH_DAYS = env.integer("TRASH_DAYS", 7, least=1, most=365)
DEPARTURE_PERIOD_S = env.seconds("DEPARTURE_PERIOD_S", 300)

# --- processes talking to each other ---------------------------------------------------------------------
CHANNEL_REDIS_URL = env.secret("CHANNEL_REDIS_URL")
CHANNEL_LAYERS: dict[str, dict[str, object]] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
if CHANNEL_REDIS_URL:
    CHANNEL_LAYERS["default"] = {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [CHANNEL_REDIS_URL]},
    }
CELERY_BROKER_URL = env.secret("BROKER_URL", "filesystem://")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}
if CELERY_BROKER_URL.startswith("filesystem:"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "broker"),
        "data_folder_out": str(DATA_DIR / "broker"),
        "control_folder": str(DATA_DIR / "broker-control"),
    }
elif CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 600,
        "unacked_restore_throttle": 1,
        "unacked_restore_interval": 2,
    }
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_TIMEZONE = "UTC"

# --- periods and deadlines of our own work ---------------------------------------------------------------
MIRROR_PERIOD_S = env.seconds("MIRROR_PERIOD_S", 15)
CATALOG_PERIOD_S = env.seconds("CATALOG_PERIOD_S", 300)
PENDING_SWEEP_S = env.seconds("PENDING_SWEEP_S", 3600)
PENDING_SWEEP_PARALLEL = env.integer("PENDING_SWEEP_PARALLEL", 4, least=1, most=4)
LIST_LAG_S = env.seconds("LIST_LAG_S", 15)
ABSENT_READINGS = env.integer("ABSENT_READINGS", 3, least=1)
ABSENT_AFTER_S = env.seconds("ABSENT_AFTER_S", 180)
FOLLOW_PERIOD_S = env.seconds("FOLLOW_PERIOD_S", 5)
TASKS_PERIOD_S = env.seconds("TASKS_PERIOD_S", 60)
LEFTOVERS_PERIOD_S = env.seconds("LEFTOVERS_PERIOD_S", 21600)
SWEEP_PERIOD_S = env.seconds("SWEEP_PERIOD_S", 15)
OPERATION_LEASE_S = env.seconds("OPERATION_LEASE_S", 30)
OPERATION_UNCERTAIN_S = env.seconds("OPERATION_UNCERTAIN_S", 600)
OPERATION_DROPPED_S = env.seconds("OPERATION_DROPPED_S", 10)
OPERATION_PATIENCE_S = env.seconds("OPERATION_PATIENCE_S", 60)
OPERATION_WATCH_S = env.seconds("OPERATION_WATCH_S", 5)
OPERATION_RECONCILE_QUIET_S = env.seconds("OPERATION_RECONCILE_QUIET_S", 35)
RESERVATION_HELD_S = env.seconds("RESERVATION_HELD_S", 3600)
SHUTDOWN_WAIT_S = env.integer("SHUTDOWN_WAIT_S", 60, least=1, most=600)
MAIL_PERIOD_S = env.seconds("MAIL_PERIOD_S", 30)

# --- quota -----------------------------------------------------------------------------------------------
QUOTA_USAGE_COUNTER = "vms.usage.count_usage"
QUOTA_DEFAULT_CORES = env.integer("QUOTA_DEFAULT_CORES", 8)
QUOTA_DEFAULT_MEMORY_MIB = env.integer("QUOTA_DEFAULT_MEMORY_MIB", 8 * 1024)
ALLOWANCE_WARN_DAYS = env.integer("ALLOWANCE_WARN_DAYS", 7, most=90)
QUOTA_DEFAULT_DISK_GIB = env.integer("QUOTA_DEFAULT_DISK_GIB", 250)

# --- Proxmox ---------------------------------------------------------------------------------------------
PROXMOX_HOSTS = env.hosts("PROXMOX_HOSTS", 8006)
PROXMOX_NODE_HOSTS = env.host_pairs("PROXMOX_NODE_HOSTS", 8006)
PROXMOX_USER = env.text("PROXMOX_USER")
PROXMOX_TOKEN_NAME = env.text("PROXMOX_TOKEN_NAME")
PROXMOX_TOKEN_VALUE = env.secret("PROXMOX_TOKEN_VALUE")
PROXMOX_CONSOLE_TOKEN_NAME = env.text("PROXMOX_CONSOLE_TOKEN_NAME")
PROXMOX_CONSOLE_TOKEN_VALUE = env.secret("PROXMOX_CONSOLE_TOKEN_VALUE")
PROXMOX_CA_FILE = env.text("PROXMOX_CA_FILE")
PROXMOX_FINGERPRINTS = env.fingerprints("PROXMOX_FINGERPRINTS")
PROXMOX_VM_STORAGE = env.text("PROXMOX_VM_STORAGE", "local-lvm")
PROXMOX_VM_STORAGES = env.words("PROXMOX_VM_STORAGES", (PROXMOX_VM_STORAGE,))
PROXMOX_ISO_STORAGE = env.text("PROXMOX_ISO_STORAGE", "local")
PROXMOX_BRIDGE = env.text("PROXMOX_BRIDGE", "vmbr0")
PROXMOX_BRIDGES = env.words("PROXMOX_BRIDGES", (PROXMOX_BRIDGE,))
MOST_NICS = env.integer("MOST_NICS", 8, least=1, most=32)
PROXMOX_VMID_RANGE = env.span("PROXMOX_VMID_RANGE", (10_000, 999_999))
PROXMOX_POOL_PARENT = env.text("PROXMOX_POOL_PARENT")
PROXMOX_CONNECT_TIMEOUT_S = env.seconds("PROXMOX_CONNECT_TIMEOUT_S", 5)
PROXMOX_READ_TIMEOUT_S = env.seconds("PROXMOX_READ_TIMEOUT_S", 35)

# --- consoles --------------------------------------------------------------------------------------------
CONSOLE_GRANT_S = env.seconds("CONSOLE_GRANT_S", 20)
CONSOLE_RECHECK_S = env.seconds("CONSOLE_RECHECK_S", 2)
CONSOLE_DIAL_S = env.seconds("CONSOLE_DIAL_S", 8)
CONSOLE_UPGRADE_S = env.seconds("CONSOLE_UPGRADE_S", 5)
CONSOLE_HANDSHAKE_S = env.seconds("CONSOLE_HANDSHAKE_S", 10)
CONSOLE_NODE_SILENT_S = env.seconds("CONSOLE_NODE_SILENT_S", 45)
CONSOLE_PAUSED_S = env.seconds("CONSOLE_PAUSED_S", 30)
CONSOLE_KEEPALIVE_S = env.seconds("CONSOLE_KEEPALIVE_S", 60)
CONSOLE_HEARTBEAT_S = env.seconds("CONSOLE_HEARTBEAT_S", 15)
CONSOLE_ORPHAN_S = env.seconds("CONSOLE_ORPHAN_S", 40)
CONSOLE_SWEEP_S = env.seconds("CONSOLE_SWEEP_S", 15)
CONSOLE_MAX_PER_PERSON = env.integer("CONSOLE_MAX_PER_PERSON", 6, least=1)
CONSOLE_MAX_PER_NODE = env.integer("CONSOLE_MAX_PER_NODE", 40, least=1)
CONSOLE_MAX_SAME_VM = env.integer("CONSOLE_MAX_SAME_VM", 1, least=1)
CONSOLE_MAX_S = env.seconds("CONSOLE_MAX_S", 8 * 3600)
CONSOLE_IDLE_S = env.seconds("CONSOLE_IDLE_S", 2 * 3600)
CONSOLE_WARN_S = env.seconds("CONSOLE_WARN_S", 60)
CONSOLE_SHARE_S = env.seconds("CONSOLE_SHARE_S", 900)
CONSOLE_SHARE_MAX_S = env.seconds("CONSOLE_SHARE_MAX_S", 8 * 3600)

# --- the house's single sign-on --------------------------------------------------------------------------
OIDC_ISSUER = env.issuer("OIDC_ISSUER")
OIDC_CLIENT_ID = env.text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env.secret("OIDC_CLIENT_SECRET")
OIDC_CA_FILE = env.text("OIDC_CA_FILE")
OIDC_UID_CLAIM = env.text("OIDC_UID_CLAIM", "preferred_username")
OIDC_GROUPS_CLAIM = env.text("OIDC_GROUPS_CLAIM", "groups")
OIDC_SCOPES = env.text("OIDC_SCOPES", "openid profile email groups")
OIDC_SIGN_ALGO = env.one_of("OIDC_SIGN_ALGO", "RS256", ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384"))
OIDC_TIMEOUT_S = env.seconds("OIDC_TIMEOUT_S", 5)
OIDC_LEEWAY_S = env.integer("OIDC_LEEWAY_S", 60, most=300)
OIDC_REFRESH_S = env.integer("OIDC_REFRESH_S", 900, least=1)
OIDC_CHECK_S = env.seconds("OIDC_CHECK_S", 30)
HOUSE_ACCOUNT_LABEL = env.text("HOUSE_ACCOUNT_LABEL", "Sign in with your house account")
PROOF_S = env.seconds("PROOF_S", 900)
BREAK_GLASS_S = env.seconds("BREAK_GLASS_S", 86_400)

# --- sign-in and sessions --------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.LocalOnlyBackend"]
if OIDC_ISSUER:
    AUTHENTICATION_BACKENDS.append("accounts.oidc.backend.HouseBackend")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.PortalAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = False
# Passwords and codes are counted by the database (accounts/attempts.py); allauth's own count stays for the rest.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": None}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = False
MFA_ADAPTER = "accounts.adapter.PortalMFAAdapter"
MFA_FORMS = {
    "authenticate": "accounts.mfa_forms.SignInCodeForm",
    "reauthenticate": "accounts.mfa_forms.AgainCodeForm",
    "activate_totp": "accounts.mfa_forms.SetUpAppForm",
}
MFA_TOTP_ISSUER = SITE_NAME
MFA_TOTP_TOLERANCE = 1  # of 30 s either way: telephones' clocks differ
USERSESSIONS_TRACK_ACTIVITY = False
SESSION_COOKIE_AGE = env.integer("SESSION_S", 12 * 3600, least=60)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_HTTPONLY = False
CSRF_FAILURE_VIEW = "accounts.views.csrf_failure"

# --- the browser's rules ---------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        # Browsers hold a form's redirect to this too, and signing in and out are forms that lead to the provider.
        "form-action": [SELF, *([origin_of(OIDC_ISSUER)] if OIDC_ISSUER else [])],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
if SECURE and TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- static files ----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = env.path("STATIC_ROOT", DATA_DIR / "static")
STATICFILES_DIRS: list[object] = [BASE_DIR / "static"]
if (BUILD_DIR / "vendor").is_dir():
    STATICFILES_DIRS.append(("vendor", BUILD_DIR / "vendor"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "vmportal.static_storage.HashedModuleStorage"},
}
WHITENOISE_USE_FINDERS = False

# --- periodic jobs ---------------------------------------------------------------------------------------
CELERY_BEAT_SCHEDULE = beat_schedule(
    mirror_s=MIRROR_PERIOD_S,
    catalog_s=CATALOG_PERIOD_S,
    follow_s=FOLLOW_PERIOD_S,
    sweep_s=SWEEP_PERIOD_S,
    mail_s=MAIL_PERIOD_S,
    provider_s=OIDC_CHECK_S if OIDC_ISSUER else 0,
    directory_s=DIRECTORY_PERIOD_S if LDAP_URL else 0,
    departure_s=DEPARTURE_PERIOD_S,
    lease_s=LEASE_PERIOD_S,
    tasks_s=TASKS_PERIOD_S,
    leftovers_s=LEFTOVERS_PERIOD_S,
    consoles_s=CONSOLE_SWEEP_S,
)

# --- mail, logs ------------------------------------------------------------------------------------------
_mail = env.mail("EMAIL_URL")
globals().update(_mail)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", f"vmportal@{SITE_HOST}")
LOGGING = log_config(env.one_of("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")))
SILENCED_SYSTEM_CHECKS: list[str] = []
