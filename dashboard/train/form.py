"""What to train: the form of the Train page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import streamlit as st
import yaml

from emoscope.dashboard.train import jobs as training_jobs
from emoscope.dashboard.ui.notices import escape, show_error
from emoscope.model.dataset import find_dataset
from emoscope.model.dataset.locate import GET_DATA, locate
from emoscope.model.errors import ConfigError, DataError, EmoscopeError
from emoscope.model.places import HOME
from emoscope.model.yaml_text import parse_yaml

CONFIGS = HOME / "training" / "configs"
UPLOAD = "A file of my own …"
LABELS = {
    "fer": "The data set's own",
    "ferplus": "FER+ votes, eight classes",
    "both": "Both, on one trunk",
    "votes": "Shares of FER+ votes",
}


def show_form(busy: bool) -> None:
    """Show the choice of configuration, settings and data, and queue what is asked for.

    Args:
        busy: Whether a training runs or waits already.
    """
    stem, text = _choose_config()
    if text is None:
        return
    try:
        defaults = _resolved(text)
    except ConfigError as error:
        show_error(error)
        return
    with st.form("training", border=False):
        overrides = _settings(stem, defaults)
        data, name = _data_and_name(stem)
        asked = st.form_submit_button(
            "Add to the queue" if busy else "Start training",
            type="primary",
            icon=":material/play_arrow:",
            key="train-submit",  # one button whatever it says, or a press is lost as the training before it ends
        )
    if busy:
        st.caption("One training runs at a time. This one starts when those before it have ended, with or without you.")
    if not asked:
        return
    try:
        overrides |= _further(st.session_state.get(f"train-{stem}-further", ""))
        text = with_settings(text, overrides)
        with st.spinner("Checking …"):
            epochs = int(_resolved(text)["epochs"])
        training_jobs.enqueue(name, text, epochs, _checked_data(data))
    except EmoscopeError as error:
        show_error(error)
        return
    st.rerun()


def config_files() -> dict[str, Path]:
    """Return the project's configurations by name, the default one first."""
    files = sorted(CONFIGS.glob("*.yaml"), key=lambda file: (file.stem != "emoscope", file.stem))
    return {file.stem: file for file in files}


def description(text: str) -> str:
    """Return what a configuration says about itself: the comment it opens with, without its commands."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if not line.strip("# ").startswith("python"):
            lines.append(line.strip("# "))
    return " ".join(lines)


def with_settings(text: str, settings: Mapping[str, Any]) -> str:
    """Return a configuration file's content with some settings put over it; untouched where there are none.

    Args:
        text: YAML that has been read as a configuration before.
        settings: Values by key; dots in a key lead into nested settings.
    """
    if not settings:
        return text
    values = yaml.safe_load(text) or {}
    for key, value in settings.items():
        *parents, last = key.split(".")
        target = values
        for parent in parents:
            if not isinstance(target.get(parent), dict):
                target[parent] = {}
            target = target[parent]
        target[last] = value
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _choose_config() -> tuple[str, str | None]:
    files = config_files()
    chosen = st.selectbox("Configuration", [*files, UPLOAD], key="train-config")
    if chosen != UPLOAD:
        text = files[chosen].read_text(encoding="utf-8")
        st.caption(escape(description(text)))
        return chosen, text
    upload = st.file_uploader("Configuration file", type=["yaml", "yml", "json"], max_upload_size=1, key="train-upload")
    if upload is None:
        st.caption("`key: value` lines as in `training/configs`; what is left out keeps its default.")
        return "", None
    try:
        return Path(upload.name).stem, upload.getvalue().decode("utf-8")
    except UnicodeDecodeError:
        show_error(ConfigError(f"{upload.name} is no text file.", "Upload YAML in UTF-8."))
        return "", None


@st.cache_data(max_entries=64, show_spinner="Reading the configuration …")
def _resolved(text: str) -> dict[str, Any]:
    return training_jobs.resolved(text)


def _settings(stem: str, defaults: dict[str, Any]) -> dict[str, Any]:
    """Show the settings that people change most and return those that differ from the configuration's."""
    grid = st.grid(3, min_column_width=150, gap="small")

    def number(label: str, name: str, low: float, help: str | None = None) -> Any:
        value = defaults[name]
        form = "%.4g" if isinstance(value, float) else "%d"
        low = low if isinstance(value, float) else int(low)
        step = value / 10 if isinstance(value, float) else 1
        return grid.number_input(label, low, None, value, step, form, key=f"train-{stem}-{name}", help=help)

    given = {
        "epochs": number("Epochs", "epochs", 1),
        "batch_size": number("Batch size", "batch_size", 1, "Images per step."),
        "learning_rate": number("Learning rate", "learning_rate", 1e-7, "The highest of the schedule."),
        "seed": number("Seed", "seed", 0, "Of weights, order and augmentation."),
        "limit": number("Images at most", "limit", 0, "Of each split, for a quick trial; 0 takes all."),
        "labels": grid.selectbox(
            "Labels",
            list(LABELS),
            list(LABELS).index(defaults["labels"]),
            LABELS.__getitem__,
            key=f"train-{stem}-labels",
        ),
    }
    st.text_area(
        "Further settings",
        key=f"train-{stem}-further",
        height=68,
        placeholder="augmentation.rotation: 5",
        help="One `key: value` per line, as in a configuration file; dots lead into nested settings.",
    )
    return {name: value for name, value in given.items() if value != defaults[name]}


def _further(text: str) -> dict[str, Any]:
    try:
        settings = parse_yaml(text) or {}
    except ValueError:
        settings = None
    if not isinstance(settings, dict) or not all(isinstance(key, str) for key in settings):
        raise ConfigError("The further settings cannot be read.", "Write `key: value`, one per line.")
    return settings


def _data_and_name(stem: str) -> tuple[str, str]:
    found = find_dataset()
    left, right = st.columns([2, 1])
    data = left.text_input(
        "Data set",
        str(found or ""),
        key="train-data",
        placeholder="/path/to/fer2013.csv",
        help="A file or folder on the machine that runs this app: FER-2013, folders of classes, or another known form.",
    )
    free = training_jobs.free_key(stem)  # in the key, so that the proposal changes with what is taken
    name = right.text_input("Name of the run", free, key=f"train-name-{free}")
    return data.strip(), name.strip()


def _checked_data(text: str) -> Path:
    if not text:
        raise DataError("No data set was named.", GET_DATA)
    path = Path(text).expanduser()
    locate(path)
    return path
