"""Settings of the benchmarks: the product's, with a Tesla that answers at once; read again by the server's process."""

import os

from tests.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.urls"
WHITENOISE_AUTOREFRESH = False
TESLA_API_URL = os.environ.get("BENCH_TESLA_URL", "")
TESLA_KEY_FILE = os.environ.get("BENCH_KEY_FILE", "")
TESLA_RATE_LIMITS = dict.fromkeys(TESLA_RATE_LIMITS, 10**9)  # noqa: F405
