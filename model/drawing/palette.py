"""One fixed colour for each emotion, the same in pages, charts and drawn frames.

The eight colours keep a CIEDE2000 difference of at least 14 between any two of them, for normal vision and for
simulated protanopia, deuteranopia and tritanopia, and stand out from white and from near-black ground alike (tests hold
both).
"""

from __future__ import annotations

from collections.abc import Sequence

from emoscope.model.emotions import emotion_key

EMOTION_COLORS: dict[str, str] = {
    "angry": "#EA3916",
    "disgust": "#0DA36C",
    "fear": "#A078DB",
    "happy": "#EDAA22",
    "sad": "#2F59BE",
    "surprise": "#57CAE3",
    "neutral": "#ACACAC",
    "contempt": "#5F6952",
}


# For classes of foreign runs that name no emotion we know.
_OTHER_COLORS = ("#3B7F6B", "#A5682A", "#6A7FD1", "#C26F9E", "#7A8F3C", "#4F9BD9", "#9B6B52", "#6F6F8F")


def class_colors(class_names: Sequence[str]) -> dict[str, str]:
    """Give each class name its colour, as ``#RRGGBB``, keyed by the name as given and in the order given.

    Classes that are no emotion of the palette take the spare colours in turn.
    """
    unknown = [name for name in class_names if emotion_key(name) not in EMOTION_COLORS]
    spare = {name: _OTHER_COLORS[i % len(_OTHER_COLORS)] for i, name in enumerate(unknown)}
    return {name: spare.get(name) or EMOTION_COLORS[emotion_key(name)] for name in class_names}


def hex_to_bgr(color: str) -> tuple[int, int, int]:
    """Turn ``#RRGGBB`` into OpenCV's blue, green, red, each 0..255."""
    return int(color[5:7], 16), int(color[3:5], 16), int(color[1:3], 16)


def ink_on(color: str) -> str:
    """Return the text colour, near black or white, that is most legible on ``#RRGGBB``.

    Source: contrast ratio of WCAG 2.2, from relative luminance.
    """
    luminance = relative_luminance(color)
    return "#111418" if (luminance + 0.05) / 0.056 >= 1.05 / (luminance + 0.05) else "#FFFFFF"


def relative_luminance(color: str) -> float:
    """Return the relative luminance of ``#RRGGBB``, 0 (black) to 1 (white), as WCAG 2.2 defines it."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
