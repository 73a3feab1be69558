"""What the numbers of well-known data sets mean."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from emoscope.model.dataset.samples import FER2013_CLASSES

EIGHT = (*FER2013_CLASSES, "contempt")


@dataclass(frozen=True)
class Coding:
    """What a data set's label codes mean.

    Attributes:
        title: The data set's name.
        hints: Parts of file and folder names, in lower case, that tell it.
        first: The smallest code.
        names: The classes of the codes from ``first`` on, in their order.
        left_out: Codes of images that show none of the classes.
    """

    title: str
    hints: tuple[str, ...]
    first: int
    names: tuple[str, ...]
    left_out: tuple[int, ...] = ()

    def fits(self, codes: Set[int]) -> bool:
        """Tell whether all codes are of this coding."""
        return codes <= {*range(self.first, self.first + len(self.names)), *self.left_out}


FER2013 = Coding("FER-2013", ("fer2013", "fer-2013"), 0, FER2013_CLASSES)
CK_EXTENDED = Coding("CK+ extended", ("ckextended", "ck+", "ckplus"), 0, EIGHT)
RAF_DB = Coding(
    "RAF-DB", ("raf", "list_patition_label"), 1, ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
)
AFFECTNET = Coding(
    "AffectNet",
    ("affectnet", "manually_annotated", "automatically_annotated"),
    0,
    ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"),
    (8, 9, 10),  # none, uncertain, no face
)
_ALL = (RAF_DB, AFFECTNET, CK_EXTENDED, FER2013)


@dataclass(frozen=True)
class NamedCodes:
    """Classes of label codes.

    Attributes:
        class_names: In the order of the labels.
        label_of: The label of each code; images of other codes are left out.
        note: What was recognised, in a sentence.
    """

    class_names: tuple[str, ...]
    label_of: dict[int, int]
    note: str


def name_codes(codes: Set[int], hint: str, of_pixels: bool) -> NamedCodes | None:
    """Say what label codes mean; None where no data set is known to have them, or several are.

    Names of files and folders decide first. Else 1..7 are RAF-DB's and 0..6 FER-2013's; 0..7 are CK+ extended's in a
    table of pixels, but not in a list of files, since AffectNet numbers its classes otherwise.

    Args:
        codes: All that occur.
        hint: Names of files, folders and columns.
        of_pixels: Whether they label a table of pixels.
    """
    low = hint.casefold()
    coding = next((known for known in _ALL if known.fits(codes) and any(word in low for word in known.hints)), None)
    if coding is None:
        usual = [FER2013, *([CK_EXTENDED] if of_pixels else []), *([RAF_DB] if min(codes, default=0) == 1 else [])]
        coding = next((known for known in usual if known.fits(codes)), None)
    if coding is None:
        return None
    numbered = ", ".join(f"{coding.first + k} {name}" for k, name in enumerate(coding.names))
    note = f"Label codes are taken as {coding.title}'s: {numbered}."
    if unused := sorted(codes & set(coding.left_out)):
        note += f" Images with {', '.join(map(str, unused))}, which name no class, were left out."
    class_names = next((order for order in (FER2013_CLASSES, EIGHT) if set(order) == set(coding.names)), coding.names)
    return NamedCodes(
        class_names, {coding.first + k: class_names.index(name) for k, name in enumerate(coding.names)}, note
    )


def as_code(text: str) -> int | None:
    """Return the code that a text such as ``4`` or ``4.0`` stands for; None where it is none."""
    whole, _, rest = text.strip().partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) < 10) or rest.strip("0"):
        return None
    return int(whole)
