"""The classes of a data set in order, whichever words its splits have for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from emoscope.model.dataset.known_sets import EIGHT, as_code, name_codes
from emoscope.model.dataset.samples import FER2013_CLASSES
from emoscope.model.emotions import emotion_key
from emoscope.model.errors import DataError

ClassFile = tuple[str, list[tuple[int | None, str]]]
"""The name of a ``classes.txt``, and its classes, each with its number where it has one."""


@dataclass(frozen=True)
class NamedWords:
    """Classes of the labels that a table, a list or folders have.

    Attributes:
        names: In the order of the labels.
        label_of: The label of each word; -1 where its images are left out.
        notes: What was recognised, one sentence each.
    """

    names: tuple[str, ...]
    label_of: dict[str, int]
    notes: tuple[str, ...]


def name_words(words: Iterable[str], hint: str, of_pixels: bool, class_file: ClassFile | None = None) -> NamedWords:
    """Name the classes that words or codes stand for.

    Args:
        words: Labels as written, in the order in which they occur.
        hint: Names of files and folders, which may tell whose codes these are.
        of_pixels: Whether they label a table of pixels.
        class_file: That names the codes.

    Raises:
        DataError: Some labels are codes and some are words, or ``class_file`` lacks some.
    """
    spelled = list(dict.fromkeys(words))
    codes = {word: code for word in spelled if (code := as_code(word)) is not None}
    if not codes:
        return _named(spelled, {word: word for word in spelled}, ())
    if odd := [word for word in spelled if word not in codes]:
        raise DataError(f"Some labels are numbers and some words, such as “{odd[0][:20]}”.", "Write all in one way.")
    if class_file is not None:
        return _by_class_file(codes, class_file)
    if named := name_codes(set(codes.values()), hint, of_pixels):
        return NamedWords(
            named.class_names, {word: named.label_of.get(code, -1) for word, code in codes.items()}, (named.note,)
        )
    as_whole = {word: word.partition(".")[0] for word in spelled}
    shown = ", ".join(sorted(set(as_whole.values()), key=int)[:12])
    note = f"Label codes {shown} stay numbers: nothing tells whose they are. A file classes.txt beside them names them."
    return _named(spelled, as_whole, (note,))


def _by_class_file(codes: dict[str, int], class_file: ClassFile) -> NamedWords:
    source, classes = class_file
    first = 1 if min(codes.values()) >= 1 and max(codes.values()) == len(classes) else 0
    names = {first + k if code is None else code: word for k, (code, word) in enumerate(classes)}
    if unnamed := sorted(set(codes.values()) - set(names)):
        raise DataError(f"{source} names no class {unnamed[0]}, which some images have.", "Add a line for it.")
    note = f"Label codes are named by {source}: {', '.join(f'{code} {names[code]}' for code in sorted(names)[:12])}."
    return _named(list(codes), {word: names[code] for word, code in codes.items()}, (note,))


def _named(spelled: list[str], name_of: dict[str, str], notes: tuple[str, ...]) -> NamedWords:
    order = order_classes(name_of[word] for word in spelled)
    return NamedWords(order.names, {word: order.label(name_of[word]) for word in spelled}, (*notes, *order.notes))


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
    merged = {key for key, found in spellings.items() if len({word.casefold() for word in found}) > 1}
    name_of = {low: emotion_key(low) if emotion_key(low) in merged else first[low] for low in first}
    names = tuple(sorted(set(name_of.values())))
    if set(spellings) == set(FER2013_CLASSES):
        names, name_of = FER2013_CLASSES, {low: emotion_key(low) for low in first}
    notes = tuple(
        f"{' and '.join(sorted(found))} are one class, {name_of[found[0].casefold()]}."
        for key, found in sorted(spellings.items())
        if len(found) > 1 and key in EIGHT
    )
    return ClassOrder(names, {low: names.index(name) for low, name in name_of.items()}, notes)
