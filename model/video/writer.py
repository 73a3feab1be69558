"""The annotated copy of a video: every frame drawn upon, at its own time, with the sound it had, as MP4 (H.264)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from av.audio.resampler import AudioResampler

from emoscope.model.drawing.annotate import annotate
from emoscope.model.video.analysis import Progress
from emoscope.model.video.predictions import VideoPredictions
from emoscope.model.video.reader import Frame, Video, clock, fit

LONGEST_SIDE = 1920
"""Larger videos are drawn at this size."""

# Sound that players expect in an MP4 file is copied as it is; other kinds become AAC.
_COPIED = ("aac", "mp3", "ac3", "eac3", "opus", "alac")
_CLOCK = Fraction(1, 90_000)
_HD_HEIGHT = 720  # from here on untagged video means BT.709, below BT.601
_BT709, _BT601 = 1, 5


class AnnotatedVideo:
    """Draws predictions into a video. :meth:`run` is called once.

    Args:
        source: The video, as for :class:`~emoscope.model.video.reader.Video`.
        target: Where the MP4 file is written to; can be sought.
        predictions: Of the same video. The copy ends where they end.
        bars: Whether to show all probabilities beside a face.
        max_bytes: The copy ends when it is this large; None for no limit.
    """

    def __init__(
        self,
        source: Path | str | BinaryIO,
        target: BinaryIO,
        predictions: VideoPredictions,
        bars: bool = True,
        max_bytes: int | None = None,
    ) -> None:
        self._source, self._target = source, target
        self._predictions = predictions
        self._bars = bars
        self._max_bytes = max_bytes
        self.problem = ""

    def run(self) -> Iterator[Progress]:
        """Write the copy, one step per frame; when the steps are not taken to the end, what was written still plays.

        Raises:
            VideoError: The video cannot be opened.
            OSError: The target cannot be written.
        """
        packets: deque[av.Packet[Any]] = deque()
        predictions = self._predictions
        end = predictions.end
        with Video(self._source, packets) as video, av.open(self._target, "w", format="mp4") as copy:
            picture = _PictureTrack(copy, video)
            sound = _SoundTrack(copy, video, end) if video.sound_track is not None else None
            try:
                for frame in video.frames():
                    if frame.at > end:
                        break
                    picture.write(frame, self._draw(frame, picture.size))
                    if sound:
                        sound.write(packets)
                    yield Progress(frame.at, min(1.0, frame.at / end) if end else 1.0)
                    if self._max_bytes is not None and self._target.tell() > self._max_bytes:
                        self.problem = (
                            f"The annotated video ends at {clock(frame.at)}, where it reached "
                            f"{self._max_bytes / 1e6:.0f} MB."
                        )
                        break
            finally:  # also where nobody asks for more
                picture.finish()
                if sound:
                    sound.finish(packets)

    def _draw(self, frame: Frame, size: tuple[int, int]) -> np.ndarray:
        image = frame.to_bgr(LONGEST_SIDE)[: size[1], : size[0]]
        faces = self._predictions.faces_at(frame.at, scale=image.shape[1] / frame.size[0])
        if not faces:
            return np.ascontiguousarray(image)
        labels = [face.label_index for face in faces]
        return annotate(image, [face.prediction for face in faces], bars=self._bars, label_indices=labels)


class _PictureTrack:
    def __init__(self, copy: av.container.OutputContainer, video: Video) -> None:
        width, height = fit((video.info.width, video.info.height), LONGEST_SIDE)
        self.size = (max(2, width // 2 * 2), max(2, height // 2 * 2))  # H.264 stores colours at half the size
        self._copy = copy
        rate = Fraction(min(max(video.info.frame_rate or 25.0, 1.0), 240.0)).limit_denominator(1001)
        self._stream = copy.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "22", "bf": "0"})
        self._stream.width, self._stream.height = self.size
        self._stream.pix_fmt = "yuv420p"
        context = self._stream.codec_context
        context.time_base = _CLOCK
        context.thread_count = video.stream.codec_context.thread_count
        self._colorspace = _BT709 if height >= _HD_HEIGHT else _BT601
        context.colorspace = self._colorspace

    def write(self, frame: Frame, image_bgr: np.ndarray) -> None:
        drawn = av.VideoFrame.from_ndarray(image_bgr, format="bgr24")
        drawn = drawn.reformat(format="yuv420p", dst_colorspace=self._colorspace)
        drawn.pts, drawn.time_base = round(frame.at / _CLOCK), _CLOCK
        drawn.duration = round(frame.seconds / _CLOCK)
        self._copy.mux(self._stream.encode(drawn))

    def finish(self) -> None:
        self._copy.mux(self._stream.encode(None))


class _SoundTrack:
    """Copies the sound, or turns it into AAC; times stay as far from the pictures' as they were."""

    def __init__(self, copy: av.container.OutputContainer, video: Video, end: float) -> None:
        track = video.sound_track
        assert track is not None
        self._copy, self._origin, self._end = copy, video.origin, end
        self._track = track
        self._copies = track.codec_context is not None and track.codec_context.name.split("_")[0] in _COPIED
        self._resampler: AudioResampler | None = None
        if self._copies:
            self._stream = copy.add_stream_from_template(track)
            return
        rate = track.codec_context.sample_rate if track.codec_context else 48_000
        self._stream = copy.add_stream("aac", rate=rate if rate in (44_100, 48_000) else 48_000)
        layout = "mono" if track.codec_context and track.codec_context.channels == 1 else "stereo"
        self._stream.layout = layout
        self._resampler = AudioResampler(format="fltp", layout=layout, rate=self._stream.rate)

    def write(self, packets: deque[av.Packet[Any]]) -> None:
        while packets:
            packet = packets.popleft()
            tick, sent = packet.time_base, packet.dts
            if sent is None or sent * tick - self._origin > self._end:
                continue
            if self._copies:
                shift = round(self._origin / tick)
                packet.pts, packet.dts = (sent if packet.pts is None else packet.pts) - shift, sent - shift
                packet.stream = self._stream
                self._copy.mux(packet)
                continue
            try:
                frames = self._track.decode(packet)
            except av.FFmpegError:  # a damaged packet costs its own sound
                continue
            for frame in frames:
                self._encode(frame)

    def _encode(self, frame: av.AudioFrame | None) -> None:
        assert self._resampler is not None
        if frame is not None and frame.pts is not None and frame.time_base is not None:
            frame.pts -= round(self._origin / frame.time_base)
        for resampled in self._resampler.resample(frame):
            self._copy.mux(self._stream.encode(resampled))

    def finish(self, packets: deque[av.Packet[Any]]) -> None:
        self.write(packets)
        if self._resampler is not None:
            self._encode(None)
            self._copy.mux(self._stream.encode(None))
