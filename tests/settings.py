"""Settings for the tests: the product's own, with fast passwords and nothing that leaves the machine."""

import os

os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 40)
os.environ.setdefault("PUBLIC_URL", "http://localhost:8000")
os.environ.setdefault("STAFF_SECOND_FACTOR", "off")
os.environ.setdefault("TESLA_CLIENT_ID", "6f1f1d0c-6a52-4b52-9d7a-0d6f0a5f3f10")
os.environ.setdefault("TESLA_CLIENT_SECRET", "only-the-simulator-knows-this")
os.environ.setdefault("VAULT_KEYS", "test:" + "A" * 43 + "=")
# Set to the address of each test's own simulated Tesla by the fixtures; never a real host.
for _name in (
    "TESLA_AUTH_URL",
    "TESLA_TOKEN_URL",
    "TESLA_API_URL",
    "TESLA_OWNER_API_URL",
    "TESLA_PAIRING_URL",
):
    os.environ.setdefault(_name, "http://127.0.0.1:9")

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
AXES_ENABLED = False
