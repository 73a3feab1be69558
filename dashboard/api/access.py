"""Which clients may send requests, and how many."""

from __future__ import annotations

from secrets import compare_digest
from time import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import Request

from emoscope.dashboard.api.problems import ProblemError
from emoscope.dashboard.api.settings import ApiSettings


class Access:
    """The bearer token and the rate per client.

    Args:
        settings: Gives both.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self._token = settings.token.encode()
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._rate = RateLimitItemPerMinute(settings.images_per_minute) if settings.images_per_minute else None

    def check_token(self, request: Request) -> None:
        """Let a request pass that carries the token, or any where none is set.

        Raises:
            ProblemError: The token is missing or wrong.
        """
        if not self._token:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not compare_digest(given.strip().encode(), self._token):
            raise ProblemError(
                401,
                "The bearer token is missing or wrong.",
                "Send the header Authorization: Bearer TOKEN.",
                {"WWW-Authenticate": "Bearer"},
            )

    def count(self, request: Request, images: int = 1) -> None:
        """Count pictures against the client's rate.

        Raises:
            ProblemError: It has sent too many in this minute.
        """
        if self._rate is None or not images:
            return
        client = request.client.host if request.client else ""
        if not self._limiter.hit(self._rate, client, cost=images):
            reset = self._limiter.get_window_stats(self._rate, client).reset_time
            raise ProblemError(
                429,
                f"More than {self._rate.amount} pictures came from this address within a minute.",
                "Wait as long as Retry-After says.",
                {"Retry-After": str(max(1, round(reset - time())))},
            )
