"""The API's own description: paths as clients write them, for the version that is current."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.http import HttpResponse
from django.utils import translation
from drf_spectacular.settings import patched_settings
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

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


class SchemaView(SpectacularAPIView):
    """The description, made once in a process for each form and language: making it takes a tenth of a second."""

    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The description in the accepted form; `lang` asks for another language than the caller's."""
        asked = request.GET.get("lang")
        language = asked if asked in dict(settings.LANGUAGES) else translation.get_language() or ""
        renderer = request.accepted_renderer
        key = renderer.media_type, language
        # Whoever comes while it is being made waits for it, instead of making it too.
        with _LOCK:
            if key not in _MADE:
                with translation.override(language):
                    _MADE[key] = renderer.render(self._described(), renderer.media_type, {})
        filename = f'inline; filename="{settings.SPECTACULAR_SETTINGS["TITLE"]}.{renderer.format}"'
        return HttpResponse(
            _MADE[key], content_type=renderer.media_type, headers={"Content-Disposition": filename}
        )

    def _described(self) -> Any:
        generator: Any = self.generator_class()
        with patched_settings(SETTINGS):
            return generator.get_schema(public=True)


_MADE: Final[dict[tuple[str, str], Any]] = {}
_LOCK: Final = threading.Lock()
