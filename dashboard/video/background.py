"""Long work beside the page: a thread that goes step by step, can be followed and stopped, and takes turns with others.

No ``st.*`` in this module: its thread belongs to no session.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable, Iterator
from time import monotonic

from emoscope.model.errors import EmoscopeError
from emoscope.model.machine import half_of_the_cores
from emoscope.model.video.analysis import Progress

_log = logging.getLogger(__name__)

# Of all sessions together; those beyond wait, so that live video keeps its share of the machine.
_TURNS = threading.BoundedSemaphore(half_of_the_cores())


GRACE_SECONDS = 15.0
"""Work goes on for so long without its owner: a browser that lost its connection is back by then."""


class _State:
    def __init__(self, is_wanted: Callable[[], bool]) -> None:
        self.is_wanted = is_wanted
        self.wanted_at = monotonic()
        self.was_abandoned = False
        self.stop = threading.Event()
        self.ended = threading.Event()
        self.started: float | None = None
        self.progress = Progress(0.0, 0.0)
        self.error: EmoscopeError | None = None

    def is_to_stop(self) -> bool:
        """Tell whether the work was stopped, or its owner has been gone for longer than the grace."""
        if self.is_wanted():
            self.wanted_at = monotonic()
        elif not self.stop.is_set() and monotonic() - self.wanted_at > GRACE_SECONDS:
            self.was_abandoned = True
            self.stop.set()
        return self.stop.is_set()


class BackgroundWork:
    """Work in a thread of its own. It stops when nobody holds this object any more, or when its owner is gone.

    Args:
        steps: Makes the steps of the work; must not refer to this object.
        is_wanted: Tells, on any thread, whether who waits for the result is still there; neither may it refer to this.
    """

    def __init__(self, steps: Callable[[], Iterator[Progress]], is_wanted: Callable[[], bool] = lambda: True) -> None:
        self._state = _State(is_wanted)
        weakref.finalize(self, self._state.stop.set)
        threading.Thread(target=_work, args=(self._state, steps), name="background-work", daemon=True).start()

    @property
    def is_running(self) -> bool:
        """Whether it waits or works."""
        return not self._state.ended.is_set()

    @property
    def is_waiting(self) -> bool:
        """Whether others are before it."""
        return self.is_running and self._state.started is None

    @property
    def was_stopped(self) -> bool:
        """Whether it was asked to stop before its end."""
        return self._state.stop.is_set()

    @property
    def was_abandoned(self) -> bool:
        """Whether it was stopped because its owner was gone."""
        return self._state.was_abandoned

    @property
    def error(self) -> EmoscopeError | None:
        """Why it failed; None where it did not."""
        return self._state.error

    @property
    def progress(self) -> Progress:
        """The newest step."""
        return self._state.progress

    @property
    def seconds_left(self) -> float | None:
        """How long it will take at the pace so far; None before that can be told."""
        state = self._state
        if state.started is None or state.progress.share < 0.01:
            return None
        return (monotonic() - state.started) * (1 - state.progress.share) / state.progress.share

    def stop(self) -> None:
        """Ask it to end after the step it is at."""
        self._state.stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; returns whether it came."""
        return self._state.ended.wait(seconds)


def _work(state: _State, steps: Callable[[], Iterator[Progress]]) -> None:
    try:
        while not _TURNS.acquire(timeout=0.2):
            if state.is_to_stop():
                return
        try:
            state.started = monotonic()
            for progress in steps():
                state.progress = progress
                if state.is_to_stop():
                    return
        finally:
            _TURNS.release()
    except EmoscopeError as error:
        state.error = error
    except Exception as error:
        _log.exception("Background work failed")
        state.error = EmoscopeError(f"The work failed ({type(error).__name__}: {error}).", "Try again.")
    finally:
        state.ended.set()
