"""A few analysis threads, shared fairly by all live sessions of this process.

Each session holds a seat with room for one frame, its newest. A free thread takes the frame of the session that has
used the threads least, so that nobody starves however many are live or however slow one session's detector is. The
threads end with the last seat.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from statistics import median
from time import monotonic

import numpy as np

from emoscope.model.machine import available_cores, half_of_the_cores

_log = logging.getLogger(__name__)

_IDLE_SECONDS = 10.0
_SLACK_SECONDS = 0.006  # frames arrive on a grid; one that is this little early is in time


class Seat:
    """One session's place in the pool. Made by :meth:`AnalysisPool.join`.

    Attributes:
        dropped: Frames offered in time that a newer one replaced before a thread was free.
        analyses: Frames analysed.
    """

    def __init__(self, pool: AnalysisPool, analyze: Callable[[np.ndarray, float], None], now: float) -> None:
        self._pool = pool
        self._analyze = analyze
        self._pending: tuple[np.ndarray, float] | None = None
        self._running = False
        self._due = now
        self._offered = now
        self._costs: deque[float] = deque(maxlen=5)
        self._used = 0.0
        self.left = False
        self.dropped = 0
        self.analyses = 0

    def offer(self, frame: np.ndarray, at: float, rate: float) -> bool:
        """Hand over the newest frame if this session's next analysis is due; never waits.

        Args:
            frame: Not changed by anybody afterwards.
            at: When it was taken, in seconds of :func:`time.monotonic`.
            rate: Analyses wanted per second; fewer where the pool's share is smaller.

        Returns:
            Whether the frame was taken.
        """
        return self._pool._offer(self, frame, at, rate)

    def leave(self) -> None:
        """Give the seat back; may be called twice."""
        self._pool._leave(self)


class AnalysisPool:
    """Seats and threads for live analysis.

    Args:
        seats: How many sessions may be live at once.
        analyses_per_second: Of all sessions together.
        threads: How many analyses run at a time.
        frames_per_second: Frames sent back to all sessions together.
    """

    def __init__(
        self,
        seats: int = 4,
        analyses_per_second: float = 60.0,
        threads: int = 1,
        frames_per_second: float = 60.0,
    ) -> None:
        if seats < 1 or analyses_per_second <= 0 or threads < 1 or frames_per_second <= 0:
            raise ValueError(
                "A pool needs a seat, rates and a thread. "
                f"Received: {seats=}, {analyses_per_second=}, {threads=}, {frames_per_second=}"
            )
        self.seats = seats
        self.analyses_per_second = analyses_per_second
        self.frames_per_second = frames_per_second
        self.threads = threads
        self._members: list[Seat] = []
        self._workers: set[threading.Thread] = set()
        self._changed = threading.Condition()

    @classmethod
    def from_environment(cls) -> AnalysisPool:
        """Read ``EMOSCOPE_LIVE_SESSIONS``, ``…_ANALYSES_PER_SECOND`` and ``…_FRAMES_PER_SECOND``.

        Impossible values are ignored. By default a core sends 32 frames and makes 10 analyses per second.
        """
        cores = available_cores()
        return cls(
            max(1, int(_positive("EMOSCOPE_LIVE_SESSIONS", 4))),
            _positive("EMOSCOPE_LIVE_ANALYSES_PER_SECOND", 10 * cores),
            threads=half_of_the_cores(most=4),
            frames_per_second=_positive("EMOSCOPE_LIVE_FRAMES_PER_SECOND", 32 * cores),
        )

    @property
    def taken(self) -> int:
        """How many seats are taken."""
        with self._changed:
            self._drop_idle(monotonic())
            return len(self._members)

    @property
    def frame_rate(self) -> float:
        """How many frames per second each session may be sent; does not wait."""
        return self.frames_per_second / max(1, len(self._members))

    @property
    def newcomers_frame_rate(self) -> float:
        """How many frames per second to ask a newcomer's camera for: a full house's share unless nobody is live."""
        return self.frames_per_second / self.seats if self.taken else self.frames_per_second

    @property
    def is_full(self) -> bool:
        """Whether nobody else can join now."""
        return self.taken >= self.seats

    def join(self, analyze: Callable[[np.ndarray, float], None]) -> Seat | None:
        """Take a seat.

        A seat that is offered no frame for ten seconds is taken back: a connection that broke does not always say so.

        Args:
            analyze: Called on a thread of the pool with a frame and its time, never twice at once for one seat.

        Returns:
            The seat; None where all are taken.
        """
        now = monotonic()
        with self._changed:
            self._drop_idle(now)
            if len(self._members) >= self.seats:
                return None
            seat = Seat(self, analyze, now)
            # Starts level with the least served, or a newcomer would hold up the others until it caught up.
            seat._used = min((s._used for s in self._members), default=0.0)
            self._members.append(seat)
            while len(self._workers) < self.threads:
                worker = threading.Thread(target=self._work, name=f"live-analysis-{len(self._workers)}", daemon=True)
                self._workers.add(worker)
                worker.start()
            return seat

    def _offer(self, seat: Seat, frame: np.ndarray, at: float, rate: float) -> bool:
        with self._changed:
            if seat.left:
                return False
            now = monotonic()
            seat._offered = now
            interval = max(1 / rate, len(self._members) / self.analyses_per_second)
            if now < seat._due - _SLACK_SECONDS:
                return False
            if seat._pending is None:
                # The grid is kept while in time, so that a cap of 15 gives 15 and not 10 of a camera's 30.
                seat._due = max(seat._due, now - interval) + interval
            else:
                seat.dropped += 1
            seat._pending = (frame, at)
            self._changed.notify()
            return True

    def _leave(self, seat: Seat) -> None:
        with self._changed:
            seat.left, seat._pending = True, None
            if seat in self._members:
                self._members.remove(seat)
            self._changed.notify_all()

    def _drop_idle(self, now: float) -> None:
        for seat in [s for s in self._members if now - s._offered > _IDLE_SECONDS]:
            seat.left, seat._pending = True, None
            self._members.remove(seat)
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                ready = self._next_ready()
                while ready is None:
                    self._drop_idle(monotonic())
                    if not self._members:
                        self._workers.discard(threading.current_thread())
                        return
                    self._changed.wait(timeout=1.0)
                    ready = self._next_ready()
                frame, at = ready._pending  # type: ignore[misc]
                ready._pending, ready._running = None, True
            start = monotonic()
            try:
                ready._analyze(frame, at)
            except Exception:  # a session's crash is its own; the thread serves the others
                _log.exception("A live analysis failed")
            finally:
                with self._changed:
                    ready._running = False
                    ready.analyses += 1
                    ready._costs.append(monotonic() - start)
                    ready._used += median(ready._costs)  # one hiccup of the machine is not held against it
                    self._changed.notify()
            del frame, ready

    def _next_ready(self) -> Seat | None:
        ready = [s for s in self._members if s._pending is not None and not s._running]
        return min(ready, key=lambda s: s._used, default=None)


def _positive(name: str, default: float) -> float:
    try:
        value = float(os.environ.get(name, default))
    except ValueError:
        return default
    return value if value > 0 else default
