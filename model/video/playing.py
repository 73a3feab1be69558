"""Which videos a browser plays as they are."""

from __future__ import annotations

from typing import BinaryIO

from emoscope.model.errors import VideoError
from emoscope.model.video.reader import Video

# What every current browser plays, by container: kinds of picture and of sound.
_KINDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "video/mp4": (("h264", "vp9", "av1"), ("aac", "mp3", "opus")),
    "video/webm": (("vp8", "vp9", "av1"), ("opus", "vorbis")),
}
_DEPTHS = ("yuv420p", "yuvj420p")
_LATEST_START = 0.1  # seconds; players do not agree about whether a later start counts as 0
_DOCUMENT_TYPE_WITHIN = 64  # bytes from the start of a Matroska file


def browser_type(source: BinaryIO) -> str:
    """Return the MIME type under which browsers play a video; empty where some do not, or cannot seek in it.

    Args:
        source: Can be read and sought.
    """
    source.seek(0)
    head = source.read(_DOCUMENT_TYPE_WITHIN)
    try:
        with Video(source) as video:
            kind = "video/mp4" if "mp4" in video.container.format.name else "video/webm" if b"webm" in head else ""
            sound = video.sound_track.codec_context if video.sound_track is not None else None
            pictures, sounds = _KINDS.get(kind, ((), ()))
            plays = (
                _family(video.stream.codec_context.name) in pictures
                and video.stream.codec_context.pix_fmt in _DEPTHS
                and (video.sound_track is None or (sound is not None and _family(sound.name) in sounds))
                and video.info.seconds is not None
                and abs(video.origin) < _LATEST_START
            )
    except VideoError:
        return ""
    return kind if plays else ""


def _family(codec: str) -> str:
    """Return a codec's name without that of the decoder: ``av1`` of ``libdav1d``, ``vp9`` of ``libvpx-vp9``."""
    known = {"libdav1d": "av1", "libaom-av1": "av1", "libvpx": "vp8", "mp3float": "mp3", "libopus": "opus"}
    return known.get(codec, codec.removeprefix("libvpx-").removeprefix("lib"))
