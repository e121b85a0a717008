"""The API's own description: paths as clients write them, for the version that is current."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

CURRENT: Final = "/v2.0"
SETTINGS: Final = {"PREPROCESSING_HOOKS": ["vehicles.api.schema.describe_current_version"]}
_OPERATION = tuple[str, str, str, Callable[..., Any]]


def describe_current_version(endpoints: list[_OPERATION], **kwargs: Any) -> list[_OPERATION]:
    """Keep the vehicle API's endpoints and show the version's pattern as the current version (a hook of the schema)."""
    return [
        (_written(path), path_regex, method, view)
        for path, path_regex, method, view in endpoints
        if path.startswith("/v")
    ]


def _written(path: str) -> str:
    route = re.sub(r"^/v[^/]*/", "/", path)
    return CURRENT + route.rstrip("/")
