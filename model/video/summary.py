"""What a video shows of each person in it, in a few figures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emoscope.model.video.predictions import VideoPredictions, longest_gap

BRIEF_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class Person:
    """One tracked face of a video.

    Attributes:
        number: Its track id.
        appearances: How often it came into sight; 2 for somebody who was hidden once.
        first: When it was seen first, in seconds.
        last: When it was seen last.
        seen: Seconds for which it was seen, pauses left out. An analysis that found it counts up to the next one, the
            last up to the end of the video; one that missed it counts where it was found again within half a second.
        readable: Share of them in which the face could be classified, 0..1.
        label: The emotion it showed longest; empty where it could never be classified.
        shares: Share of the classified time in which each class was its label, shape (C,).
    """

    number: int
    appearances: int
    first: float
    last: float
    seen: float
    readable: float
    label: str
    shares: np.ndarray

    @property
    def is_brief(self) -> bool:
        """Whether it was seen too briefly for its figures to mean much."""
        return self.seen < BRIEF_SECONDS - 1e-6


def seconds_text(seconds: float) -> str:
    """Write how long somebody was seen, in seconds: ``12.3``, or ``0.04`` where a tenth would be 0."""
    return f"{seconds:.1f}" if seconds >= 0.1 else f"{seconds:.2f}"


def people(predictions: VideoPredictions) -> list[Person]:
    """Sum up a video, the person seen longest first."""
    # Each analysis stands for the time up to the next one, but for no long pause.
    ends = [predictions.end] if len(predictions.times) else []
    lasts = np.minimum(np.diff(predictions.times, append=ends), longest_gap(predictions.step))
    row_times, row_lasts = predictions.row_times, np.repeat(lasts, np.diff(predictions.starts))
    classes = len(predictions.class_names)
    found = []
    for number in np.unique(predictions.person):
        own = predictions.person == number
        seconds = row_lasts[own]
        readable = predictions.warning[own] == 0
        shares = np.bincount(predictions.label[own][readable], seconds[readable], minlength=classes)
        total = float(shares.sum())
        found.append(
            Person(
                int(number),
                1 + int((np.diff(row_times[own]) > longest_gap(predictions.step)).sum()),
                float(row_times[own][0]),
                float(row_times[own][-1]),
                float(seconds.sum()),
                float(readable.mean()),
                predictions.class_names[int(shares.argmax())] if readable.any() else "",
                shares / total if total > 0 else shares,
            )
        )
    return sorted(found, key=lambda person: -person.seen)


def binned(predictions: VideoPredictions, number: int, bins: int, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Average one person's probabilities over even parts of a video.

    Args:
        predictions: Of the whole video.
        number: The person's track id.
        bins: How many parts.
        seconds: Length of the video.

    Returns:
        The middle of each part in seconds, shape (B,), and the probabilities, shape (B, C): ``nan`` where the face was
        away or could not be classified.
    """
    own = (predictions.person == number) & (predictions.warning == 0)
    width = seconds / bins
    place = np.minimum((predictions.row_times[own] / width).astype(int), bins - 1)
    sums = np.zeros((bins, len(predictions.class_names)))
    np.add.at(sums, place, predictions.probabilities[own])
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.arange(bins) + 0.5) * width, sums / counts[:, None]
