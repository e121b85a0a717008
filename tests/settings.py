"""Settings for the tests: the product's own, with fast passwords and nothing that leaves the machine."""

import os

# What the shell has set for a portal of its own must not reach the tests; only where to store and send may be chosen.
for _name in (
    "ALLOWED_HOSTS", "BEHIND_PROXY", "DEBUG", "LEGACY_OWNER_API", "LOG_FORMAT", "LOG_LEVEL", "OPERATOR_NAME",
    "PRIVACY_URL", "SIMULATOR_URL", "SUPPORT_CONTACT", "TESLA_KEY_DOMAIN", "TESLA_KEY_FILE", "TESLA_REGIONS",
):  # fmt: skip
    os.environ.pop(_name, None)
os.environ |= {
    "SECRET_KEY": "tests-only-" + "x" * 40,
    "PUBLIC_URL": "http://localhost:8000",
    "LEGACY_OWNER_API": "on",
    "WEBHOOKS_TO_PRIVATE_ADDRESSES": "on",
    "TESLA_CLIENT_ID": "6f1f1d0c-6a52-4b52-9d7a-0d6f0a5f3f10",
    "TESLA_CLIENT_SECRET": "only-the-simulator-knows-this",
    "VAULT_KEYS": "test:" + "A" * 43 + "=",
}
# Set to the address of each test's own simulated Tesla by the fixtures; never a real host.
_origins = ("TESLA_AUTH_URL", "TESLA_TOKEN_URL", "TESLA_API_URL", "TESLA_OWNER_API_URL", "TESLA_PAIRING_URL")
os.environ |= dict.fromkeys(_origins, "http://127.0.0.1:9")

from portal.settings import *  # noqa: E402, F403

ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "vehicles.client_credentials.RandomSecretHasher",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CELERY_TASK_ALWAYS_EAGER = True
TEST_RUNNER = "tests.runner.PytestRunner"
NEWEST_REFRESH_FILE = VAR_DIR / "test-newest-refresh"  # noqa: F405
# Looks files up when they are asked for; else every test client would walk all static folders first.
WHITENOISE_AUTOREFRESH = True
