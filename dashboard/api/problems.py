"""Errors, as RFC 9457 describes them: ``application/problem+json`` with a sentence and the next thing to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from emoscope.model.errors import DetectorError, EmoscopeError, ImageError

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """A request that cannot be carried out.

    Args:
        status: The HTTP status.
        detail: What is wrong, as one sentence.
        action: What to do about it, as one sentence; may be empty.
        headers: To send along, such as ``Retry-After``.
    """

    def __init__(self, status: int, detail: str, action: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = HTTPStatus(status)
        self.detail = detail
        self.action = action
        self.headers = dict(headers or {})

    @classmethod
    def from_error(cls, error: EmoscopeError) -> ProblemError:
        """Give an error of the app its status: pictures are the caller's to mend, detectors and networks ours."""
        status = 422 if isinstance(error, ImageError) else 503 if isinstance(error, DetectorError) else 500
        return cls(status, error.message, error.action)

    def content(self) -> dict[str, Any]:
        """Return the members of the problem object; ``action`` is an extension of ours."""
        members = {"title": self.status.phrase, "status": int(self.status), "detail": self.detail}
        return {**members, "action": self.action} if self.action else members

    def response(self) -> Response:
        """Return the problem as a response."""
        content = json.dumps(self.content(), ensure_ascii=False)
        return Response(content, self.status, self.headers, media_type=MEDIA_TYPE)
