"""Facts about FER-2013 that are known without a copy of it."""

from __future__ import annotations

import numpy as np

from emoscope.model.dataset.samples import FER2013_SPLITS

COUNTS = {
    FER2013_SPLITS[0]: (3995, 436, 4097, 7215, 4830, 3171, 4965),
    FER2013_SPLITS[1]: (467, 56, 496, 895, 653, 415, 607),
    FER2013_SPLITS[2]: (491, 55, 528, 879, 594, 416, 626),
}
"""Images of each class, in the order of ``FER2013_CLASSES``."""

SUMMARY = (
    "FER-2013 holds 35,887 gray faces of 48×48 pixels that an image search found; one person labelled each of them "
    "(Goodfellow et al., 2013). FER+ adds the votes of ten people (Barsoum et al., 2016). Its licence does not allow "
    "passing the images on, so bring your own copy."
)


def class_counts() -> dict[str, np.ndarray]:
    """Return the number of images of each class by split, int64, shape (7,)."""
    return {split: np.array(counts) for split, counts in COUNTS.items()}
