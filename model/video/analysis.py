"""Faces followed through a video: decoded once, analysed at a chosen rate, in memory that hardly grows with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from emoscope.model.faces.reidentification import Reidentification, glimpse, is_same_scene
from emoscope.model.faces.tracking import SURE, Tracker, TrackingSettings
from emoscope.model.pipeline import Pipeline
from emoscope.model.video.predictions import MAX_ROWS, VideoPredictions, VideoPredictionsBuilder
from emoscope.model.video.reader import Video, VideoInfo
from emoscope.model.video.stills import FilmStrip, StrongestMoments

DEFAULT_RATE = 10.0
LONGEST_SIDE = 1280
"""Larger frames are analysed at this size: a face of a tenth of it still has more pixels than a network's input."""


class Progress(NamedTuple):
    """How far an analysis is: the time of the frame in seconds, and the share of the file, 0..1."""

    at: float
    share: float


class VideoAnalysis:
    """One analysis of one video. Its results can be used at any time, also when it was stopped half-way.

    :meth:`run` is called once, from one thread; the rest may be used from others meanwhile.

    Args:
        video: Opened, and open until :meth:`run` has ended.
        pipeline: Detects and classifies the faces; made for video.
        rate: Analyses per second of the video; frames in between are decoded and left alone.
    """

    def __init__(self, video: Video, pipeline: Pipeline, rate: float = DEFAULT_RATE) -> None:
        if rate <= 0:
            raise ValueError(f"A rate is a positive number of analyses per second. Received: {rate}")
        self.info: VideoInfo = video.info
        self.film = FilmStrip()
        self.moments = StrongestMoments()
        self.problem = ""
        self._video = video
        self._pipeline = pipeline
        self._interval = 1 / rate
        self._tracker = Tracker(TrackingSettings(sure=SURE))
        self._people = Reidentification()
        self._glimpse: np.ndarray | None = None
        self._builder = VideoPredictionsBuilder(pipeline.classifier.info.class_names)

    def run(self) -> Iterator[Progress]:
        """Go through the video, one step per analysis; stopping to iterate stops the analysis.

        Raises:
            RunError: The network cannot be used.
            DetectorError: The detector cannot be used.
        """
        due = 0.0
        for frame in self._video.frames():
            self._builder.reach(frame.at + frame.seconds)
            if frame.at < due - 1e-3:
                continue
            # The grid is kept, so that 10 per second out of 25 are 10 and not 8; over a pause it starts anew.
            due = max(due + self._interval, frame.at + self._interval / 2)
            image = frame.to_bgr(LONGEST_SIDE)
            if self._is_cut(image):  # whoever is in the same place now is somebody else
                self._tracker.reset()
            tracked = self._tracker.update(self._pipeline.analyze(image), frame.at)
            faces = self._people.recognize(tracked, image, frame.at)
            people = [face.track_id for face in faces]
            self._builder.add(frame.at, tracked, self.info.width / image.shape[1], people, self._tracker.unconfirmed())
            self.film.offer(frame.at, image)
            self.moments.offer(frame.at, faces, image)
            yield Progress(frame.at, self._video.share)
            if len(self._builder) >= MAX_ROWS:
                self.problem = f"The analysis ended after {MAX_ROWS:,} faces."
                return
        self.problem = self._video.problem

    def _is_cut(self, image: np.ndarray) -> bool:
        """Tell whether the scene has changed since the frame before."""
        before, self._glimpse = self._glimpse, glimpse(image)
        return before is not None and not is_same_scene(before, self._glimpse)

    def predictions(self) -> VideoPredictions:
        """Return the results so far."""
        return self._builder.build()
