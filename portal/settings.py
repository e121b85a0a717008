"""One settings module. Each value comes from the environment, by the table of `portal.configuration.settings_table`."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import environ
from django.templatetags.static import static

from portal import log_format
from portal.configuration import private_files
from portal.configuration.settings_table import read_all
from portal.running import cache, folder_queue

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
# Whatever is started reads the settings before it writes a file.
private_files.begin(VAR_DIR)

env = read_all(os.environ)

# The portal itself -----------------------------------------------------------------------------------------------

DEBUG = env["DEBUG"]
SECRET_KEY = env["SECRET_KEY"]
PUBLIC_URL = env["PUBLIC_URL"]
ALLOWED_HOSTS = env["ALLOWED_HOSTS"]
OPERATOR_NAME = env["OPERATOR_NAME"]
SUPPORT_CONTACT = env["SUPPORT_CONTACT"]
PRIVACY_URL = env["PRIVACY_URL"]
STAFF_SECOND_FACTOR = env["STAFF_SECOND_FACTOR"]
BEHIND_PROXY = env["BEHIND_PROXY"]
TRUSTED_PROXIES = env["TRUSTED_PROXIES"]
REFUSALS_KEPT_DAYS = env["REFUSALS_KEPT_DAYS"]
RUNS_KEPT_DAYS = env["RUNS_KEPT_DAYS"]
VISITS_KEPT_DAYS = env["VISITS_KEPT_DAYS"]
COMMANDS_KEPT_DAYS = env["COMMANDS_KEPT_DAYS"]
FAULT_PAGES_KEPT_DAYS = env["FAULT_PAGES_KEPT_DAYS"]
LOOKS_KEPT_DAYS = env["LOOKS_KEPT_DAYS"]
DELIVERIES_KEPT_DAYS = env["DELIVERIES_KEPT_DAYS"]
WEBHOOKS_TO_PRIVATE_ADDRESSES = env["WEBHOOKS_TO_PRIVATE_ADDRESSES"]
STARTS_PER_ADDRESS_AND_MINUTE = env["STARTS_PER_ADDRESS_AND_MINUTE"]
SECURE = PUBLIC_URL.startswith("https://")

# Tesla -----------------------------------------------------------------------------------------------------------

TESLA_CLIENT_ID = env["TESLA_CLIENT_ID"]
TESLA_CLIENT_SECRET = env["TESLA_CLIENT_SECRET"]
TESLA_REGIONS = env["TESLA_REGIONS"]
TESLA_KEY_FILE = env["TESLA_KEY_FILE"]
TESLA_KEY_DOMAIN = env["TESLA_KEY_DOMAIN"]
TESLA_AUTH_URL = env["TESLA_AUTH_URL"]
TESLA_TOKEN_URL = env["TESLA_TOKEN_URL"]
TESLA_API_URL = env["TESLA_API_URL"]
TESLA_OWNER_API_URL = env["TESLA_OWNER_API_URL"]
TESLA_PAIRING_URL = env["TESLA_PAIRING_URL"]
LEGACY_OWNER_API = env["LEGACY_OWNER_API"]
SIMULATOR_URL = env["SIMULATOR_URL"]
TESLA_UPSTREAM_SLOTS = env["TESLA_UPSTREAM_SLOTS"]
TESLA_RATE_LIMITS = {
    "data": env["TESLA_DATA_PER_MINUTE"],
    "wakes": env["TESLA_WAKES_PER_MINUTE"],
    "commands": env["TESLA_COMMANDS_PER_MINUTE"],
}
VAULT_KEYS = env["VAULT_KEYS"]
NEWEST_REFRESH_FILE = VAR_DIR / "newest-refresh"

# Storage and messages --------------------------------------------------------------------------------------------

DATABASE_URL = env["DATABASE_URL"] or f"sqlite:///{quote(str(VAR_DIR / 'carport.sqlite3'))}"
DATABASES: dict[str, Any] = {"default": environ.Env.db_url_config(DATABASE_URL)}
# Until a request that gets no connection, or no lock, is answered 503: many wait at once, and they must not pile up.
DATABASE_WAIT_SECONDS = 4
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # A writer takes its lock at the start, so that two of them wait for each other instead of failing midway.
        "transaction_mode": "IMMEDIATE",
        "timeout": DATABASE_WAIT_SECONDS,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    # Closing the last connection writes the log back into the file, which costs more than most requests do.
    DATABASES["default"]["CONN_MAX_AGE"] = None
else:
    _seconds = DATABASE_WAIT_SECONDS
    # What the URL itself says, such as ?sslmode=require, stays.
    DATABASES["default"]["OPTIONS"] = DATABASES["default"].get("OPTIONS", {}) | {
        # What the pool does by itself, growing and trying again, must not go on for long after an outage either.
        "pool": {"min_size": 1, "max_size": 12, "timeout": _seconds, "reconnect_timeout": _seconds},
        "connect_timeout": _seconds,
        # A peer that vanished without a word is noticed by what it does not acknowledge.
        "tcp_user_timeout": _seconds * 1000,
        "keepalives_idle": 10,
        "keepalives_interval": 2,
        "keepalives_count": 3,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "vehicles.User"

CACHE_URL = env["CACHE_URL"]
CACHES = cache.caches(environ.Env.cache_url_config(CACHE_URL))

CELERY_BROKER_URL = env["CELERY_BROKER_URL"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# For ever: by default a worker gives up after a hundred times.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_SERIALIZER = "json"
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "portal.running.clock:Scheduler"
CELERY_WORKER_CONSUMER = "portal.running.tolerant_worker:Consumer"
# Its answers would need queues of their own, which are one more thing that can hold what nobody can read.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
# A broker that is away holds up nobody: what is sent to it is only a nudge.
CELERY_BROKER_CONNECTION_TIMEOUT = 1.0
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULE = {
    "renew logins": {"task": "vehicles.tasks.renew_logins", "schedule": 60.0},
    "reconcile commands": {"task": "vehicles.tasks.reconcile_commands", "schedule": 60.0},
    "end expired Connect runs": {"task": "connect.tasks.end_expired_runs", "schedule": 60.0},
    "forget old rows": {"task": "connect.tasks.forget_old_rows", "schedule": 600.0},
    "watch accounts": {"task": "vehicles.tasks.watch_accounts", "schedule": 60.0},
    "let verdicts follow": {"task": "vehicles.tasks.let_verdicts_follow", "schedule": 60.0},
    "learn colours": {"task": "connect.tasks.learn_lately_connected_colours", "schedule": 60.0},
    "send webhooks": {"task": "vehicles.tasks.send_webhooks", "schedule": 5.0},
    "rediagnose": {"task": "vehicles.tasks.rediagnose", "schedule": 3600.0},
    "forget attempts to sign in": {"task": "portal.tasks.forget_sign_ins", "schedule": 3600.0},
    "forget expired tokens": {"task": "vehicles.tasks.forget_expired_tokens", "schedule": 3600.0 * 6},
}
if CELERY_BROKER_URL.startswith("filesystem://"):
    folder_queue.make(VAR_DIR / "queue")
    CELERY_BROKER_TRANSPORT = "portal.running.folder_queue:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS = folder_queue.options(VAR_DIR / "queue")
elif CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT = "portal.running.tolerant_worker:RedisTransport"
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 1.0, "socket_timeout": 5.0}

# Django ----------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "connect.apps.ConnectConfig",
    "vehicles.apps.VehiclesConfig",
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "oauth2_provider",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]

MIDDLEWARE = [
    "portal.web.forwarded.ForwardedHeadersMiddleware",
    "portal.web.middleware.RequestIdMiddleware",
    "portal.web.middleware.ContentSecurityPolicyMiddleware",
    "portal.web.middleware.StaffContentSecurityPolicyMiddleware",
    # Before what looks at the host name, or sends a probe on to https.
    "portal.running.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "portal.web.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.sign_in.middleware.SignInMiddleware",
    "portal.web.error_pages.NotStorableMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
# The API answers with and without a trailing slash itself; a redirect would lose the body of a POST.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "portal" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTHENTICATION_BACKENDS = ["portal.sign_in.backend.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "portal.sign_in.trail.PasswordTrail"},
]
PASSWORD_HASHERS = [
    "portal.sign_in.hashing.OneAtATimeHasher",
    "vehicles.client_credentials.RandomSecretHasher",
]
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# Security --------------------------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "carport_session"
CSRF_COOKIE_NAME = "carport_csrf"
# Lax: coming back from Tesla's login is a top-level GET and must carry the cookie.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "connect.views.run.csrf_failure"
SECURE_SSL_REDIRECT = SECURE
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    },
}
# Added for staff screens only: unfold's Alpine evaluates expressions, and its colours are an inline style.
STAFF_CONTENT_SECURITY_POLICY = {
    "script-src": ["'self'", "'unsafe-eval'"],
    "style-src": ["'self'", "'unsafe-inline'"],
}

# OAuth towards applications --------------------------------------------------------------------------------------

OAUTH2_PROVIDER_APPLICATION_MODEL = "vehicles.Application"
OAUTH2_PROVIDER = {
    "APPLICATION_MODEL": "vehicles.Application",
    "OAUTH2_VALIDATOR_CLASS": "connect.oauth.validator.ConnectValidator",
    "CLIENT_ID_GENERATOR_CLASS": "vehicles.client_credentials.ClientIdGenerator",
    "CLIENT_SECRET_GENERATOR_CLASS": "vehicles.client_credentials.ClientSecretGenerator",
    "CLIENT_SECRET_HASHER": "random_secret",
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 600,
    "ACCESS_TOKEN_EXPIRE_SECONDS": 7200,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 60 * 24 * 3600,
    "ROTATE_REFRESH_TOKEN": True,
    # Tokens are hashed at rest, which the library cannot combine with its own grace period; `token_families` has one.
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "PKCE_REQUIRED": True,  # the validator spares applications that have a secret
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http"],
    "ALLOWED_SCHEMES": ["https", "http"],  # of web origins; our own form takes http for localhost only
    "SCOPES": {"vehicles": "The cars chosen in Connect"},
    "DEFAULT_SCOPES": ["vehicles"],
}

# API -------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["vehicles.api.authorization.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "vehicles.api.negotiation.FirstWhereNoneFits",
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "vehicles.api.error_responses.render_exception",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "PREPROCESSING_HOOKS": ["vehicles.api.schema.describe_current_version"],
    "TITLE": "Carport API",
    "VERSION": "2.0",
    "DESCRIPTION": "Vehicle API that speaks Smartcar's v2.0 surface.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# Staff screens ---------------------------------------------------------------------------------------------------

UNFOLD = {
    "SITE_TITLE": OPERATOR_NAME,
    "SITE_HEADER": OPERATOR_NAME,
    "SITE_URL": "/",
    "SITE_ICON": lambda request: static("carport.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("carport.svg")}
    ],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("portal/staff.css")],
    "DASHBOARD_CALLBACK": "portal.admin.home.home",
    "SIDEBAR": {"navigation": "portal.admin.navigation.sidebar"},
    "COLORS": {
        "primary": {
            "50": "#eef3ff",
            "100": "#dbe5ff",
            "200": "#bccfff",
            "300": "#8fb0ff",
            "400": "#6d97ff",
            "500": "#3f6bea",
            "600": "#1f4fd8",
            "700": "#1b41b0",
            "800": "#1b388d",
            "900": "#1b326f",
            "950": "#121f45",
        }
    },
}

# Logs ------------------------------------------------------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "portal.web.middleware.RequestIdFilter"},
        "only_what_broke": {"()": "portal.web.middleware.OnlyWhatBrokeFilter"},
    },
    "formatters": {
        "line": log_format.formatter(env["LOG_FORMAT"]),
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "line",
            "filters": ["request_id"],
        },
        # Without any handler Python would write it to the standard error stream after all.
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": env["LOG_LEVEL"]},
    "loggers": {
        "oauth2_provider": {"level": "WARNING"},
        # Writes the tokens that it issues, at its finest level.
        "oauthlib": {"level": "WARNING"},
        "urllib3": {"level": "WARNING"},
        "django.request": {"filters": ["only_what_broke"]},
        # Anybody can send a foreign host name; the answer says 400 and that is all there is to say.
        "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
    },
}
# Python writes warnings past the log, over several lines.
logging.captureWarnings(env["LOG_FORMAT"] == "json")
