"""What the detectors share: the copy of a frame that they search, and the order of what they found."""

from __future__ import annotations

import cv2
import numpy as np

from emoscope.model.entities import Detection


def search_copy(image: np.ndarray, smallest: int, largest: int) -> tuple[np.ndarray, float]:
    """Bring a frame to a size that suits a detector.

    Args:
        image: uint8, shape (H, W) or (H, W, 3).
        smallest: A frame whose longest side is below this many pixels is magnified to it.
        largest: A frame whose longest side is above this many pixels is shrunk to it.

    Returns:
        The copy (the image itself if its size suits), and the factor from its pixels to the image's.
    """
    height, width = image.shape[:2]
    longest = max(height, width)
    wanted = min(max(longest, smallest), largest)
    if wanted == longest:
        return image, 1.0
    size = (max(1, round(width * wanted / longest)), max(1, round(height * wanted / longest)))
    method = cv2.INTER_AREA if wanted < longest else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=method), longest / wanted


def without_overlaps(detections: list[Detection], sure: float = 0.0) -> list[Detection]:
    """Keep the most confident of detections that share more than half of the smaller one's area; largest face first.

    Args:
        detections: Of one frame.
        sure: Confidence below which sharing a fifth is too much: part of a face and its background may look like one.
    """
    kept: list[Detection] = []
    for candidate in sorted(detections, key=lambda d: -d.confidence):
        most = 0.5 if candidate.confidence >= sure else 0.2
        if all(_shared_area(candidate, other) <= most for other in kept):
            kept.append(candidate)
    return sorted(kept, key=lambda d: -d.size[0] * d.size[1])


def _shared_area(first: Detection, second: Detection) -> float:
    a, b = first.xyxy, second.xyxy
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min(d.size[0] * d.size[1] for d in (first, second))
    return float(width * height / smaller)
