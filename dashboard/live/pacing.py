"""Fewer frames for everybody rather than late ones, where many people are live.

A frame that is not wanted is neither drawn nor encoded, sent, decoded and shown, which is most of what it costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import av

_MOST_CREDIT = 2.0


class FrameBudget:
    """A token bucket of frames that may be sent back: late frames do not cost their successors."""

    def __init__(self) -> None:
        self._asked_at = float("-inf")
        self._credit = 0.0

    def take(self, now: float, rate: float) -> bool:
        """Take a frame out of the budget, where it holds one.

        Args:
            now: In seconds, rising from call to call.
            rate: Frames per second that may be sent; a tenth more lets a camera of just this rate through.
        """
        since, self._asked_at = now - self._asked_at, now
        self._credit = min(_MOST_CREDIT, self._credit + 1.1 * rate * since)
        if self._credit < 1:
            return False
        self._credit -= 1
        return True


class PacedTrack:
    """A track of which only the wanted frames come through.

    Args:
        track: Where frames come from; anything with an asynchronous ``recv``.
        wants: Says whether a frame is wanted.
    """

    def __init__(self, track: Any, wants: Callable[[av.VideoFrame], bool]) -> None:
        self._track = track
        self._wants = wants

    async def recv(self) -> av.VideoFrame:
        """Wait for the next wanted frame."""
        while True:
            frame: av.VideoFrame = await self._track.recv()
            if self._wants(frame):
                return frame


def pace(output: Any, wants: Callable[[av.VideoFrame], bool]) -> None:
    """Have a streamer's output track process the wanted frames of its input only; may be called again.

    Args:
        output: ``WebRtcStreamerContext.output_video_track``; None before there is one.
        wants: Says whether a frame is wanted.
    """
    source = getattr(output, "track", None)
    if source is not None and not isinstance(source, PacedTrack):
        output.track = PacedTrack(source, wants)
