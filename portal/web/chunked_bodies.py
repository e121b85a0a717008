"""Bodies without a length: chunked ones are read before Django sees the request, which knows bodies by length only.

PEP 3333 has no word for them; servers that end such a body themselves say so in `wsgi.input_terminated`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from gunicorn.http.errors import ParseException

from portal.web import wire_errors

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def with_length(application: Application) -> Application:
    """The application, with a length given to every chunked body.

    Of one that is longer than `DATA_UPLOAD_MAX_MEMORY_SIZE` only so much is read that Django refuses it as too long.
    """

    def serve(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ and environ.get("wsgi.input_terminated"):
            try:
                body = _read(environ["wsgi.input"], settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
            except ParseException:
                answer = wire_errors.answer(400, environ.get("PATH_INFO", ""))
                start_response(answer.status_line, answer.headers)
                return [answer.body]
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
            del environ["HTTP_TRANSFER_ENCODING"]
        return application(environ, start_response)

    return serve


def _read(stream: Any, most: int) -> bytes:
    parts, size = [], 0
    while size < most and (part := stream.read(min(65536, most - size))):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
