"""How the app tells people what went wrong: one sentence, and the next thing to do."""

from __future__ import annotations

import re

import streamlit as st

from emoscope.model.errors import EmoscopeError, NotKnownError
from emoscope.model.networks.classifier import Classifier
from emoscope.model.networks.remote import RemoteClassifier


def show_error(error: EmoscopeError, about: str = "") -> None:
    """Show an error as its sentence in bold and its action after it, led by what it is about (a file's name).

    What an intact run cannot tell is no fault, and is shown quietly.
    """
    lead = f"{escape(about)}: " if about else ""
    if isinstance(error, NotKnownError):
        st.info(f"{lead}{escape(error.message)} {escape(error.action)}".strip(), icon=":material/visibility_off:")
        return
    st.error(f"{lead}**{escape(error.message)}** {escape(error.action)}".strip(), icon=":material/error:")


def show_warning(message: str, action: str = "") -> None:
    """Show what to be careful about, and what would help."""
    st.warning(f"**{escape(message)}** {escape(action)}".strip(), icon=":material/warning:")


def show_cluster_note(classifier: Classifier) -> None:
    """Show a note where faces are classified here because the cluster that should classify them fails."""
    if isinstance(classifier, RemoteClassifier) and classifier.problem:
        st.caption(f":material/cloud_off: {escape(classifier.problem)}")


def escape(text: str) -> str:
    """Keep a file's or a run's name from being read as Markdown; code in back quotes stays code."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([\\*_\[\]<>$~#|:])", r"\\\1", part) for part in parts)
