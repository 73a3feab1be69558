"""The metrics for Prometheus: counted where it happens, at ``/api/v1/metrics``."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = CONTENT_TYPE_LATEST
GONE = 499
"""Noted where a client went away in the middle of its request; none ever sees it."""


class Measures:
    """The metrics of one API; each instance has a registry of its own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._requests = Counter("emoscope_requests", "Requests answered", ["path", "status"], registry=registry)
        self._seconds = Histogram(
            "emoscope_request_seconds",
            "From a request's headers to the end of its answer",
            ["path"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
            registry=registry,
        )
        self._batches = Histogram(
            "emoscope_batch_faces",
            "Faces classified in one forward pass",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=registry,
        )

    def batch(self, faces: int) -> None:
        """Note one forward pass."""
        self._batches.observe(faces)

    def request(self, path: str, status: str, seconds: float) -> None:
        """Note one request."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def observe(self, name: str, what: str, value: Callable[[], float]) -> None:
        """Report a value as it is when metrics are scraped."""
        Gauge(name, what, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)


class Measured:
    """Wraps the API and notes every request by its route's path, so that made-up paths cannot fill the memory."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = str(GONE)
        start = perf_counter()

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            path = getattr(scope.get("route"), "path", "other")
            self._measures.request(path, status, perf_counter() - start)
