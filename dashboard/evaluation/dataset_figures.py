"""Figures of the user's data set, computed once for all sessions."""

from __future__ import annotations

import numpy as np
import streamlit as st

from emoscope.model.dataset import Dataset
from emoscope.model.dataset.appearance import brightness_and_contrast, mean_faces
from emoscope.model.dataset.duplicates import Duplicates, exact_duplicates, near_duplicates


def faces_by_class(dataset: Dataset, split: str) -> np.ndarray:
    """Return the mean face of each class: uint8, shape (C, H, W, channels)."""
    return _faces_by_class(dataset, dataset.fingerprint, split)


@st.cache_data(max_entries=12, show_spinner="Averaging faces …")
def _faces_by_class(_dataset: Dataset, fingerprint: str, split: str) -> np.ndarray:
    return mean_faces(_dataset.splits[split], len(_dataset.class_names))


def appearance(dataset: Dataset, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return brightness and contrast of each image of a split."""
    return _appearance(dataset, dataset.fingerprint, split)


@st.cache_data(max_entries=12, show_spinner="Measuring light …")
def _appearance(_dataset: Dataset, fingerprint: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    return brightness_and_contrast(_dataset.splits[split].images)


def duplicates(dataset: Dataset, near: bool) -> Duplicates:
    """Return the groups of exact or of near copies."""
    return _duplicates(dataset, dataset.fingerprint, near)


@st.cache_resource(max_entries=4, show_spinner="Comparing every image with every other …")
def _duplicates(_dataset: Dataset, fingerprint: str, near: bool) -> Duplicates:
    return near_duplicates(_dataset) if near else exact_duplicates(_dataset)
