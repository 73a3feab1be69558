import asyncio
from types import SimpleNamespace

from emoscope.dashboard.live.pacing import PacedTrack, pace


class Numbers:
    def __init__(self):
        self.at = 0

    async def recv(self):
        self.at += 1
        return self.at


def test_frames_that_are_not_wanted_are_passed_over():
    track = PacedTrack(Numbers(), lambda number: number % 3 == 0)

    async def three():
        return [await track.recv() for _ in range(3)]

    assert asyncio.run(three()) == [3, 6, 9]


def test_a_track_is_paced_once_and_may_be_missing():
    output = SimpleNamespace(track=Numbers())
    pace(output, bool)
    paced = output.track
    pace(output, bool)
    assert isinstance(paced, PacedTrack) and output.track is paced
    pace(None, bool)
