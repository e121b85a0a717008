"""Settings of a portal that runs in a process of its own while a test drives it."""

import os

_served = {name: os.environ.get(name, "") for name in ("SERVED_AT", "SERVED_BEHIND_PROXY", "TRUSTED_PROXIES")}

from tests.settings import *  # noqa: E402, F403

PUBLIC_URL = _served["SERVED_AT"] or PUBLIC_URL  # noqa: F405
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
BEHIND_PROXY = bool(_served["SERVED_BEHIND_PROXY"])
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
ROOT_URLCONF = "tests.portal.served_urls"
if hasher := os.environ.get("SERVED_HASHER"):
    PASSWORD_HASHERS = [hasher]
