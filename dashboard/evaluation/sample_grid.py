"""Images of the user's own copy of the data set, in a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import cv2
import numpy as np
import streamlit as st

from emoscope.dashboard.ui import resources
from emoscope.dashboard.ui.notices import show_error
from emoscope.model.dataset import VOTE_NAMES, Dataset, Split
from emoscope.model.dataset.locate import GET_DATA
from emoscope.model.errors import DataError
from emoscope.model.images import data_url
from emoscope.model.runs.predictions import Predictions
from emoscope.model.runs.run import Run
from emoscope.model.splits import images_of

PER_PAGE = 24

_STYLE = """<style>
.faces{display:grid;grid-template-columns:repeat(auto-fill,minmax(6.2rem,1fr));gap:.75rem}
.faces figure{margin:0;border:1px solid rgba(128,134,150,.35);border-radius:.6rem;overflow:hidden}
.faces img{width:100%;display:block;aspect-ratio:1;object-fit:cover}
.faces figcaption{font-size:.82rem;line-height:1.3;padding:.35rem .5rem;overflow-wrap:anywhere}
.faces figcaption span{opacity:.75}
</style>"""


@dataclass(frozen=True)
class Sample:
    """One image to show.

    Attributes:
        image: uint8, shape (H, W, 1) gray or (H, W, 3) RGB; None where the user's copy does not hold it.
        title: First line below it.
        detail: Second line, quieter.
        hint: Shown when the pointer rests on it.
    """

    image: np.ndarray | None
    title: str
    detail: str = ""
    hint: str = ""


def user_dataset() -> Dataset | None:
    """Return the user's data set; where there is none, say how to provide it and return None."""
    try:
        found = resources.dataset()
    except DataError as error:
        show_error(error)
        return None
    if found is None:
        st.info(f"The images themselves are not part of a run. {GET_DATA}", icon=":material/image_search:")
    return found


def prediction_samples(
    dataset: Dataset, run: Run, split: str, found: Predictions, positions: np.ndarray
) -> list[Sample]:
    """Pair some predictions with their images, labels and votes.

    Args:
        dataset: The user's copy.
        run: Whose predictions they are.
        split: Name of the split.
        found: All predictions of the split.
        positions: Of those to show.
    """
    names = run.info.class_names
    samples = []
    for i in positions:
        probabilities = found.probabilities[i]
        answer, label = names[int(probabilities.argmax())], names[int(found.label[i])]
        place = locate(dataset, split, int(found.index[i]), int(found.pixel_hash[i]))
        home = dataset.splits[place[0]] if place else None
        votes = votes_text(home, place[1]) if home is not None and place is not None else ""
        surest = ", ".join(f"{names[k]} {probabilities[k]:.0%}" for k in np.argsort(-probabilities)[:3])
        said = f"{answer} {probabilities.max():.0%}"
        if not found.has_probabilities:
            said = surest = answer
        samples.append(
            Sample(
                home.images[place[1]] if home is not None and place is not None else None,
                said,
                f"labelled {label}" + (f"; votes: {votes}" if votes else ""),
                f"{split} {found.index[i]}: {surest}",
            )
        )
    return samples


def locate(dataset: Dataset, split: str, index: int, pixel_hash: int) -> tuple[str, int] | None:
    """Return split and position of an image in the user's copy, or None where its pixels are not there."""
    own = dataset.splits.get(images_of(split))
    if own is not None and 0 <= index < len(own) and int(own.pixel_hash[index]) == pixel_hash:
        return images_of(split), index
    for name, other in dataset.splits.items():
        where = np.flatnonzero(other.pixel_hash == np.uint64(pixel_hash))
        if where.size:
            return name, int(where[0])
    return None


def show_samples(samples: Sequence[Sample]) -> None:
    """Show images with their captions, as many in a row as the screen is wide."""
    missing = sum(sample.image is None for sample in samples)
    if missing == len(samples):
        st.info(
            "These images are not in your copy of the data set: the run was scored on other pixels. "
            "Point `EMOSCOPE_DATA` at the data that it was scored on to see them.",
            icon=":material/image_search:",
        )
        return
    if missing:
        st.caption(f"{missing} of these {len(samples)} images are not in your copy of the data set: its pixels differ.")
    st.html(_STYLE + '<div class="faces">' + "".join(map(_figure, samples)) + "</div>")


def page_of(total: int, key: str) -> slice:
    """Show which page of a long list is seen, if it needs pages, and return the part to show."""
    pages = -(-total // PER_PAGE)
    page = st.pagination(pages, key=key) if pages > 1 else 1
    return slice((page - 1) * PER_PAGE, page * PER_PAGE)


def votes_text(split: Split, index: int) -> str:
    """Say what the annotators voted, most votes first ("7 sadness, 3 neutral"); empty where nobody did."""
    if split.votes is None:
        return ""
    votes = split.votes[index]
    return ", ".join(f"{votes[i]:.0f} {VOTE_NAMES[i]}" for i in np.argsort(-votes, kind="stable") if votes[i] > 0)


def _figure(sample: Sample) -> str:
    picture = f'<img src="{_data_uri(sample.image)}" alt="{escape(sample.title)}">' if sample.image is not None else ""
    detail = f"<br><span>{escape(sample.detail)}</span>" if sample.detail else ""
    hint = f' title="{escape(sample.hint)}"' if sample.hint else ""
    return f"<figure{hint}>{picture}<figcaption>{escape(sample.title)}{detail}</figcaption></figure>"


def _data_uri(image: np.ndarray) -> str:
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.shape[-1] == 3 else image
    return data_url(cv2.imencode(".png", pixels)[1].tobytes(), "image/png")
