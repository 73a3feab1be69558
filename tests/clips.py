"""Made-up videos: a camera that moves over scikit-image's photo of a smiling astronaut."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from skimage.data import astronaut

PHOTO_BGR = np.ascontiguousarray(astronaut()[:, :, ::-1])


def view(at: float, width: int, height: int) -> np.ndarray:
    """Return what the camera sees, uint8 BGR, shape (height, width, 3): the face wanders and never leaves the frame."""
    import cv2

    zoom = height / 320
    left = 60 + 40 * np.sin(at) + (320 - width / zoom) / 2
    top = 20 + 15 * np.cos(1.3 * at)
    matrix = np.array([[1 / zoom, 0, left], [0, 1 / zoom, top]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(PHOTO_BGR, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)


def make_clip(
    seconds: float = 2.0,
    *,
    size: tuple[int, int] = (320, 240),
    rate: int = 25,
    form: str = "mp4",
    codec: str = "libx264",
    times: list[float] | None = None,
    picture: Callable[[float, int, int], np.ndarray] = view,
    sound: str | None = None,
    rotation: int = 0,
    pixel_shape: Fraction | None = None,
    start: float = 0.0,
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    ticks: int = 1000,
) -> bytes:
    """Make a video file.

    Args:
        seconds: Length.
        size: Width and height of the stored frames.
        rate: Frames a second.
        form: Container, in FFmpeg's name.
        codec: Of the pictures.
        times: Seconds of each frame, for a variable frame rate; ``rate`` is then nominal.
        picture: Draws a frame from time, width and height.
        sound: Codec of a tone of 440 Hz; None for silence.
        rotation: Written into the file: the frames are to be turned by this many degrees counterclockwise.
        pixel_shape: Width over height of a pixel, where they are not square.
        start: Time of the first frame in the file's own clock.
        options: Of the container.
        pixels: Form of the stored pixels, in FFmpeg's name; a GIF has its own.
        ticks: Of the stream's clock a second; old codecs know only the frame rate.
    """
    stream = io.BytesIO()
    times = [i / rate for i in range(round(seconds * rate))] if times is None else times
    with av.open(stream, "w", format=form, options=options or {}) as container:
        track = container.add_stream(codec, rate=rate)
        track.width, track.height = size
        track.pix_fmt = "rgb8" if codec == "gif" else pixels
        track.codec_context.time_base = Fraction(1, 100 if codec == "gif" else ticks)
        if codec == "libx264":
            track.codec_context.options = {"preset": "ultrafast", "g": "25"}
        if pixel_shape:
            track.codec_context.sample_aspect_ratio = pixel_shape
        if rotation:
            track.set_display_rotation(rotation)
        tone = _Tone(container, sound) if sound else None
        for at in times:
            frame = av.VideoFrame.from_ndarray(picture(at, *size), format="bgr24").reformat(format=track.pix_fmt)
            frame.time_base = track.codec_context.time_base
            frame.pts = round((at + start) / frame.time_base)
            container.mux(track.encode(frame))
            if tone:
                tone.play_until(at, start)
        container.mux(track.encode(None))
        if tone:
            container.mux(tone.track.encode(None))
    return stream.getvalue()


class _Tone:
    def __init__(self, container: av.container.OutputContainer, codec: str) -> None:
        self.container = container
        self.track = container.add_stream(codec, rate=48_000, layout="mono")
        self.played = 0
        self.format = self.track.codec_context.format.name

    def play_until(self, at: float, start: float) -> None:
        size = 960
        while self.played < at * 48_000:
            wave = 0.3 * np.sin(2 * np.pi * 440 * (self.played + np.arange(size)) / 48_000)
            samples = wave.astype(np.float32) if "flt" in self.format else (wave * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples[None], format=self.format, layout="mono")
            frame.sample_rate, frame.time_base = 48_000, Fraction(1, 48_000)
            frame.pts = self.played + round(start * 48_000)
            self.played += size
            self.container.mux(self.track.encode(frame))
