"""Video files to frames: whatever people record becomes upright pictures with their times, or one clear sentence.

Every frame is decoded, since the next ones are built upon it, but only those that are used are converted. No
more than a few are in memory at once, however long the file is.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import av
import cv2
import numpy as np

from emoscope.model.errors import VideoError
from emoscope.model.machine import available_cores

MAX_PIXELS = 7680 * 4320
"""Videos with larger frames are refused."""

FRAME_SECONDS = 0.04
"""A frame is taken to be shown for so long where its file does not say: 25 frames per second."""

SUPPORTED = "MP4, MOV, WebM, MKV, AVI, WMV, FLV, MPEG, TS, VOB, MXF, GIF or APNG"
# Formats that only describe where other files or addresses lie, such as playlists, are not among them.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,gif,avi,flv,mpegts,mpeg,mpegvideo,asf,mxf,mjpeg,apng,ogg,dv"
MAX_FRAME_RATE = 1000
"""Files that claim more frames per second only say how fine their clock is."""
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "none", "max_pixels": str(MAX_PIXELS)}
_TURNS = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, -90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180}
_MOST_THREADS = 4  # each holds a frame


class VideoInfo(NamedTuple):
    """What is known of a video before it is decoded.

    Attributes:
        width: Of its upright frames with square pixels.
        height: The same.
        seconds: Length; None where the file does not say, as with recordings made by browsers.
        frame_rate: Frames per second on average; None where the file does not say.
        has_audio: Whether there is sound.
    """

    width: int
    height: int
    seconds: float | None
    frame_rate: float | None
    has_audio: bool


class Frame(NamedTuple):
    """A decoded frame, not converted yet.

    Attributes:
        at: Seconds since the first frame.
        picture: As the decoder gives it.
        size: Width and height of the video's upright frames.
        seconds: For how long it is shown, as far as the file says; more than 0.
        own_size: Width and height of this frame, upright, where they are others: a phone was turned while it recorded.
    """

    at: float
    picture: av.VideoFrame
    size: tuple[int, int]
    seconds: float = FRAME_SECONDS
    own_size: tuple[int, int] | None = None

    def to_bgr(self, longest: int | None = None) -> np.ndarray:
        """Convert to an upright picture of the video's size; a frame of another shape stands on black within it.

        Args:
            longest: Pixels of its longest side, if it is to be smaller than the video's.

        Returns:
            frame_bgr, uint8, shape (H, W, 3).
        """
        outer = fit(self.size, longest)
        width, height = outer if self.own_size is None else _within(self.own_size, outer)
        turn = _turn(self.picture)
        flat = (height, width) if turn in (90, -90) else (width, height)
        image: np.ndarray = self.picture.to_ndarray(
            format="bgr24", width=flat[0], height=flat[1], interpolation="BILINEAR"
        )
        image = cv2.rotate(image, _TURNS[turn]) if turn else image
        if (width, height) == outer:
            return image
        whole = np.zeros((outer[1], outer[0], 3), np.uint8)
        top, left = (outer[1] - height) // 2, (outer[0] - width) // 2
        whole[top : top + height, left : left + width] = image
        return whole


def _within(size: tuple[int, int], outer: tuple[int, int]) -> tuple[int, int]:
    """Return width and height scaled so that they just fit into others."""
    factor = min(outer[0] / size[0], outer[1] / size[1])
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def fit(size: tuple[int, int], longest: int | None) -> tuple[int, int]:
    """Return width and height scaled down so that the longer one is at most ``longest``."""
    if longest is None or max(size) <= longest:
        return size
    factor = longest / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


class Video:
    """An opened video file; use it in a ``with`` statement, from one thread.

    Args:
        source: A path, or a stream that can be read and sought.
        sound: Where the packets of the first sound track go as they are met, undecoded, for whoever wants them.

    Raises:
        VideoError: The file cannot be read, is no video, or not a frame of it can be decoded.
    """

    def __init__(self, source: Path | str | BinaryIO, sound: deque[av.Packet[Any]] | None = None) -> None:
        self._own = isinstance(source, (str, Path))
        self._sound = sound
        try:
            self._file: BinaryIO = Path(source).open("rb") if isinstance(source, (str, Path)) else source  # noqa: SIM115
            self._size = self._file.seek(0, os.SEEK_END)
            self._file.seek(0)
        except OSError as error:
            raise VideoError(f"{source} cannot be read ({error.strerror or error}).", "Check the path.") from error
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        if not self._size:
            raise VideoError("The file is empty.", "Choose another file.")
        try:
            self.container = av.open(self._file, "r", options=dict(_OPTIONS), metadata_errors="replace")
        except (av.FFmpegError, ValueError) as error:
            head = self._head()
            if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
                raise VideoError(
                    "Animated WebP cannot be read as a video.", "Convert it to GIF or MP4; Predict shows its picture."
                ) from error
            if head[4:8] == b"ftyp":  # what an MP4 file holds is told at its end as a rule
                raise VideoError(
                    "The video file is broken or cut off before the part that says how to read it.",
                    "Copy or record it again.",
                ) from error
            raise VideoError(
                "The file is no video that can be opened.", f"Choose an {SUPPORTED} file; pictures go to Predict."
            ) from error
        pictures = [s for s in self.container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not pictures:
            raise VideoError("The file holds no video, only sound or data.", "Choose a file with moving pictures.")
        self.stream = pictures[0]
        self.sound_track = next(iter(self.container.streams.audio), None)
        context = self.stream.codec_context
        if context is None:
            raise VideoError("The video's codec is not known here.", "Convert the video to MP4 (H.264) first.")
        if context.width * context.height > MAX_PIXELS:
            raise VideoError(
                f"The video's frames are too large ({context.width} × {context.height} pixels).",
                "Scale it down to 8K or less first.",
            )
        context.thread_type, context.thread_count = "AUTO", min(available_cores(), _MOST_THREADS)
        self._damaged = 0
        self._broke_off = False
        self._last = -1.0  # time of the newest frame
        self._reached = 0.0  # time up to which the file was read, sound included
        self._origin: float | None = None
        self._decoded = self._decode()
        first = next(self._decoded, None)
        if first is None:
            raise VideoError("Not one frame of the video can be decoded.", "Convert it to MP4 (H.264) first.")
        self._first: av.VideoFrame | None = first
        self.info = self._describe(first)

    def _head(self) -> bytes:
        self._file.seek(0)
        return self._file.read(12)

    def _describe(self, first: av.VideoFrame) -> VideoInfo:
        width, height = self._upright_size(first)
        seconds = self.container.duration / av.time_base if self.container.duration else None
        if seconds and "matroska" in self.container.format.name:  # it names the end instead of the length
            seconds = max(seconds - self.origin, 0.0) or None
        rate = self.stream.average_rate
        known = float(rate) if rate and rate <= MAX_FRAME_RATE else None
        return VideoInfo(width, height, seconds, known, self.sound_track is not None)

    def _upright_size(self, picture: av.VideoFrame) -> tuple[int, int]:
        """Return width and height of a frame with square pixels, set upright."""
        ratio = self.stream.sample_aspect_ratio
        width, height = picture.width, picture.height
        if ratio and Fraction(1, 4) <= ratio <= 4:
            width = max(1, round(width * ratio))
        return (height, width) if _turn(picture) in (90, -90) else (width, height)

    @property
    def origin(self) -> float:
        """The first frame's time in the file's own clock, in seconds."""
        return self._origin or 0.0

    @property
    def share(self) -> float:
        """How much of the file was read, 0..1."""
        if self.info.seconds:
            return min(1.0, max(0.0, self._last) / self.info.seconds)
        return min(1.0, self._file.tell() / self._size)

    @property
    def problem(self) -> str:
        """What of the file could not be decoded, as a sentence; empty if nothing was lost. Known once it was read."""
        seconds, reached = self.info.seconds, self._reached - max(self.origin, 0.0)
        if seconds and reached < seconds - max(1.0, 0.03 * seconds):
            return f"The file ends early: {clock(max(reached, 0.0))} of {clock(seconds)} could be read."
        if self._broke_off:
            return f"The file is broken: it could be read up to {clock(max(self._last, 0.0))}."
        if self._damaged:
            return "Parts of the file are damaged; what could be decoded was read."
        return ""

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in the order of their times. To be called once."""
        size = (self.info.width, self.info.height)
        first, self._first = self._first, None
        if first is not None:
            self._last = 0.0
            yield Frame(0.0, first, size, self._shown_for(first))
        for picture in self._decoded:
            lasts = self._shown_for(picture)
            at = picture.time - self.origin if picture.time is not None else self._last + lasts
            if at > self._last:  # in damaged files clocks run backwards
                self._last = at
                own = self._upright_size(picture)
                yield Frame(at, picture, size, lasts, None if own == size else own)

    def _shown_for(self, picture: av.VideoFrame) -> float:
        """Return for how many seconds a frame is shown: as it says, or as is usual in this file."""
        said = float(picture.duration * picture.time_base) if picture.duration and picture.time_base else 0.0
        return said if said > 0 else 1 / self.info.frame_rate if self.info.frame_rate else FRAME_SECONDS

    def seek(self, at: float) -> None:
        """Go to the last key frame at or before a time, in seconds since the first frame."""
        self._first = None
        try:
            self.container.seek(max(0, round((at + self.origin) * av.time_base)))
        except av.FFmpegError:  # no index: read from the start
            self.container.seek(0)
        self._last = -1.0
        self._decoded = self._decode()

    def _decode(self) -> Iterator[av.VideoFrame]:
        packets = self.container.demux()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                self._broke_off = True
                return
            if packet.pts is not None:
                end = packet.pts + (packet.duration or 0)
                self._reached = max(self._reached, float(end * packet.time_base))
            if packet.stream.index != self.stream.index:
                if self._sound is not None and packet.stream is self.sound_track and packet.dts is not None:
                    self._sound.append(packet)
                continue
            try:
                pictures = self.stream.decode(packet)
            except av.FFmpegError:
                self._damaged += 1
                continue
            for picture in pictures:
                self._damaged += picture.is_corrupt
                if self._origin is None:
                    self._origin = picture.time or 0.0
                yield picture

    def close(self) -> None:
        """Let go of the file."""
        if hasattr(self, "container"):
            self.container.close()
        if self._own:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_frame(source: Path | str | BinaryIO, at: float, longest: int | None = None) -> np.ndarray | None:
    """Decode the one frame that is shown at a time.

    Args:
        source: As for :class:`Video`.
        at: Seconds since the first frame.
        longest: Pixels of its longest side, if it is to be smaller than the video's.

    Returns:
        frame_bgr, uint8, shape (H, W, 3); None where nothing can be decoded there.

    Raises:
        VideoError: The file cannot be opened.
    """
    with Video(source) as video:
        if at > 1:
            video.seek(at)
        shown = None
        for frame in video.frames():
            if shown is not None and frame.at > at + 1e-3:
                break
            shown = frame
        return None if shown is None else shown.to_bgr(longest)


def clock(seconds: float) -> str:
    """Write a time in a video: ``0:07``, ``12:34`` or ``1:02:03``."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _turn(picture: av.VideoFrame) -> int:
    """Return the quarter turns counterclockwise, in degrees, that set a frame upright."""
    quarter = round(picture.rotation / 90) * 90
    return 180 if abs(quarter) == 180 else quarter
