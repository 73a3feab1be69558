"""The classes of a data set in order, whichever words its splits have for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from emoscope.model.dataset.known_sets import EIGHT
from emoscope.model.dataset.samples import FER2013_CLASSES
from emoscope.model.emotions import emotion_key


@dataclass(frozen=True)
class ClassOrder:
    """Classes and the words for them.

    Attributes:
        names: In the order of the labels.
        label_of: The label of each word, in lower case.
        notes: Which words were united, one sentence each.
    """

    names: tuple[str, ...]
    label_of: dict[str, int]
    notes: tuple[str, ...]

    def label(self, word: str) -> int:
        """Return the label of a word in any case."""
        return self.label_of[word.casefold()]


def order_classes(words: Iterable[str]) -> ClassOrder:
    """Order the classes that words name.

    The seven classes of FER-2013 come in its order, whichever words and case; any other classes are sorted and keep
    their names. Two words for one emotion (``suprise``, ``surprise``) become one class.

    Args:
        words: In the order in which they occur; the first spelling of a word is the one that stays.
    """
    spelled = list(dict.fromkeys(words))
    first = {word.casefold(): word for word in reversed(spelled)}
    spellings: dict[str, list[str]] = defaultdict(list)
    for word in spelled:
        spellings[emotion_key(word.casefold())].append(word)
    notes = tuple(
        f"{' and '.join(sorted(found))} are one class, {key}."
        for key, found in sorted(spellings.items())
        if len(found) > 1 and key in EIGHT
    )
    merged = {key for key, found in spellings.items() if len({word.casefold() for word in found}) > 1}
    name_of = {low: emotion_key(low) if emotion_key(low) in merged else first[low] for low in first}
    names = tuple(sorted(set(name_of.values())))
    if set(spellings) == set(FER2013_CLASSES):
        names, name_of = FER2013_CLASSES, {low: emotion_key(low) for low in first}
    return ClassOrder(names, {low: names.index(name) for low, name in name_of.items()}, notes)
