"""The emotion that a class name means, whichever word a data set uses."""

from __future__ import annotations

from collections.abc import Sequence

# Data sets disagree about the noun or the adjective, and some of them misspell it.
_SYNONYMS = {
    "anger": "angry",
    "angery": "angry",
    "disgusted": "disgust",
    "digust": "disgust",
    "discust": "disgust",
    "fearful": "fear",
    "fearfull": "fear",
    "afraid": "fear",
    "scared": "fear",
    "happiness": "happy",
    "happyness": "happy",
    "hapiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "suprise": "surprise",
    "suprised": "surprise",
    "surprize": "surprise",
    "neutrality": "neutral",
    "netural": "neutral",
    "nuetral": "neutral",
    "contemptuous": "contempt",
}

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "contempt")


def emotion_key(class_name: str) -> str:
    """Return the palette's name of an emotion: lower case, data sets' synonyms united (``Happiness`` -> ``happy``)."""
    name = class_name.strip().lower()
    return _SYNONYMS.get(name, name)


def class_places(names: Sequence[str], wanted: Sequence[str]) -> list[int] | None:
    """Return where each wanted class stands among other names; ``Happiness`` is found at ``happy``.

    Returns:
        An index into ``names`` for each wanted class; None where the two do not name the same classes.
    """
    if sorted(names) == sorted(wanted):
        return [names.index(name) for name in wanted]
    keys, wanted_keys = [emotion_key(name) for name in names], [emotion_key(name) for name in wanted]
    if len(set(keys)) < len(keys) or sorted(keys) != sorted(wanted_keys):
        return None
    return [keys.index(key) for key in wanted_keys]


def are_emotions(class_names: Sequence[str]) -> bool:
    """Tell whether all classes are emotions, so that pages may speak of faces."""
    return bool(class_names) and all(emotion_key(name) in EMOTIONS for name in class_names)
