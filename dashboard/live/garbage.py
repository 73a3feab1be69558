"""Keeps Python's garbage collector from stopping the video.

Streamlit has everything collected after each redraw of a page. That holds up all threads while each object there is is
looked at: with the libraries of this app a tenth of a second, several times per second while somebody is live.
"""

from __future__ import annotations

import gc
from time import monotonic, thread_time

LONG_SECONDS = 0.01
"""A collection that works for so long delays a frame."""
PAUSE_SECONDS = 20.0


class CollectionWatch:
    """Notes how long full collections work, and shortens them on request.

    Objects are not counted: a list of all objects holds tuples that other threads are still making, and breaks them.
    """

    def __init__(self) -> None:
        self._started = 0.0
        self._longest = 0.0
        self._shortened = float("-inf")
        gc.callbacks.append(self._note)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] < 2:
            return
        if phase == "start":
            self._started = thread_time()  # the same thread's in both phases, whatever else the machine does
        else:
            self._longest = max(self._longest, thread_time() - self._started)

    def shorten(self) -> bool:
        """Have later collections pass over what has survived until now, if they had become long.

        What was passed over before is collected first, so nothing is lost for good.

        Returns:
            Whether they had become long.
        """
        now = monotonic()
        if self._longest < LONG_SECONDS or now < self._shortened + PAUSE_SECONDS:
            return False
        self._shortened = now
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._longest = 0.0
        return True

    def close(self) -> None:
        """Stop watching."""
        gc.callbacks.remove(self._note)
        gc.unfreeze()
