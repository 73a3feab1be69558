"""Widgets whose value is in the page's address, so that a link reopens what is seen.

Streamlit forgets both value and address when a page is left; the last value is kept in the session and put back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import streamlit as st

from emoscope.dashboard.ui.notices import escape, show_warning

_MEMORY = "_url_state"
T = TypeVar("T")


def in_url(widget: Callable[..., Any], label: str, *, key: str, **arguments: Any) -> Any:
    """Show a widget whose value is the query parameter ``key``.

    The default must not depend on the session, or a link without the parameter would mean something else elsewhere.
    A value in the address or in memory that is not (or no longer) an option is dropped with a sentence.

    Args:
        widget: A Streamlit widget that can be bound, e.g. ``st.selectbox``.
        label: Of the widget.
        key: Query parameter and session key.
        arguments: Of the widget; choices as ``options=``.
    """
    memory: dict[str, Any] = st.session_state.setdefault(_MEMORY, {})
    options = arguments.get("options")
    if key not in st.session_state:
        asked = st.query_params.get_all(key)
        if asked and options is not None:
            _report_unknown(label, asked, [str(option) for option in options])
        elif not asked and key in memory:
            if _possible(memory[key], options):
                st.session_state[key] = memory[key]
            else:
                _report_gone(label, memory[key], arguments.get("format_func", str))
    elif _possible(st.session_state[key], options):
        st.session_state[key] = st.session_state[key]  # or a page that is entered would begin with the default
    else:
        _report_gone(label, st.session_state[key], arguments.get("format_func", str))
        del st.session_state[key]
    value = widget(label, key=key, bind="query-params", **arguments)
    memory[key] = value
    return value


def choose_section(sections: Mapping[str, T]) -> T:
    """Show the switch between a page's sections, kept in the address, and return what the chosen one stands for."""
    names = list(sections)
    chosen = in_url(
        st.segmented_control,
        "Section",
        key="section",
        options=names,
        default=names[0],
        required=True,
        label_visibility="collapsed",
    )
    return sections[chosen]


def _possible(value: Any, options: Any) -> bool:
    if options is None or value is None:
        return True
    return all(v in options for v in (value if isinstance(value, list) else [value]))


def _report_gone(label: str, value: Any, format_func: Callable[[Any], str]) -> None:
    """Say that what was chosen before cannot be shown now, so that a fallback is not taken for it."""
    if not isinstance(value, list):
        st.caption(f":material/info: {escape(label)}: there is no {escape(format_func(value))} here.")


def _report_unknown(label: str, asked: list[str], options: list[str]) -> None:
    unknown = [value for value in asked if value and value not in options]
    if unknown:
        some = ", ".join(options[:8]) + (" …" if len(options) > 8 else "")
        show_warning(
            f"The link asks for “{', '.join(unknown)}” under {label}, which is not here.",
            f"There is: {some}." if options else "",
        )
