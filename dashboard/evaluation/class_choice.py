"""Which classes a chart shows where there are too many for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from emoscope.dashboard.ui.url_state import in_url
from emoscope.model.evaluation.class_order import MOST_IN_A_CHART


def choose_classes(
    names: Sequence[str], orders: Mapping[str, np.ndarray], key: str, most: int = MOST_IN_A_CHART
) -> np.ndarray:
    """Show the choice of classes, kept in the address, where there are more than ``MOST_IN_A_CHART``.

    Args:
        names: The C class names.
        orders: What decides which classes come first, by its name for people: shape (C,), lowest value first.
        key: Query parameter.
        most: Classes that are shown unless others are searched for.

    Returns:
        Indices of the chosen classes, int64; all in their own order where they are few.
    """
    if len(names) <= MOST_IN_A_CHART:
        return np.arange(len(names))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = in_url(
            st.segmented_control, "Classes", key=key, options=list(orders), default=next(iter(orders)), required=True
        )
        searched = in_url(
            st.multiselect, "Search", key=f"{key}-search", options=list(names), placeholder=f"any of {len(names):,}"
        )
    if searched:
        return np.array([names.index(name) for name in searched], np.int64)
    st.caption(f"{most} of {len(names):,} classes; the table holds all.")
    return np.argsort(orders[which], kind="stable")[:most]
