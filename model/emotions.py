"""What emotion a class name means, whichever word a data set has for it."""

from __future__ import annotations

# Data sets disagree about the noun or the adjective.
_SYNONYMS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "happiness": "happy",
    "happyness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprised": "surprise",
}


def emotion_key(class_name: str) -> str:
    """Return the palette's name of an emotion: lower case, data sets' synonyms united (``Happiness`` -> ``happy``)."""
    name = class_name.strip().lower()
    return _SYNONYMS.get(name, name)
