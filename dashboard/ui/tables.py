"""Figures in tables and in words, written the same way on every page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st


def show_table(table: pd.DataFrame, *, alt: str, index: bool = False, **arguments: Any) -> Any:
    """Show a table that can be sorted, searched and saved as CSV, its decimals aligned, a dash where nothing is known.

    Args:
        table: With plain column names.
        alt: What it shows, for people who do not see it.
        index: Whether its index is a column worth showing.
        arguments: Of ``st.dataframe``.

    Returns:
        What ``st.dataframe`` does: the chosen rows, where ``on_select`` is among the arguments.
    """
    formats = {
        name: st.column_config.NumberColumn(format=f"%.{decimals}f" if decimals else "localized")  # 1,082,720
        for name in table.select_dtypes("number").columns
        for decimals in [_decimals(table[name])]
    }
    return st.dataframe(table, hide_index=not index, column_config=formats, placeholder="–", alt=alt, **arguments)


def percent(share: float, decimals: int = 1) -> str:
    """Write a share in per cent ("71.5 %"); "–" where it is not known."""
    return f"{100 * share:.{decimals}f} %" if np.isfinite(share) else "–"


def _decimals(values: pd.Series) -> int:
    """Return the fewest decimals, up to four, that lose nothing of the values."""
    known = values[np.isfinite(values)].to_numpy()
    return next((n for n in range(4) if np.allclose(known, known.round(n), rtol=0, atol=1e-9)), 4)


def change(value: float, pattern: str, lower: bool = False) -> dict[str, Any]:
    """Return the arguments of ``st.metric`` that show a change; one that rounds to nothing has no arrow or colour.

    Args:
        value: The change.
        pattern: How it is written, with its sign, e.g. ``{:+.1f} points``.
        lower: Whether less is better.
    """
    text = pattern.format(value)
    if not any(digit in text for digit in "123456789"):
        return {"delta": text.replace("-", "±").replace("+", "±"), "delta_color": "off", "delta_arrow": "off"}
    return {"delta": text, "delta_color": "inverse" if lower else "normal"}
