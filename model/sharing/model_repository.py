"""A run as a model repository for Hugging Face: card with its results, weights, configuration.

Source: the model card specification, https://github.com/huggingface/hub-docs/blob/main/modelcard.md.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict
from typing import Any

import yaml

from emoscope.model.errors import NotKnownError
from emoscope.model.evaluation.metrics import METRIC_TITLES, SCALARS, metrics_of
from emoscope.model.runs.figures import Scalar
from emoscope.model.runs.run import CARD_FILE, KERAS_FILE, Run
from emoscope.model.sharing.class_report import judged_splits
from emoscope.model.splits import is_training

_TYPES: dict[Scalar, str] = {"macro_f1": "f1"}
"""Metrics that the hub knows by another name."""
_TASK = {"type": "image-classification", "name": "Facial expression recognition"}


def repository_files(run: Run) -> dict[str, bytes]:
    """Return the files of a model repository by path.

    Raises:
        RunError: The run holds no network, or its predictions or its card are broken.
    """
    weights = [file for file in (run.path / KERAS_FILE, run.litert_file) if file is not None and file.is_file()]
    if not weights:
        raise NotKnownError(f"{run.key} holds no network.", "Share its curves or its report instead.")
    header = yaml.safe_dump(_header(run), sort_keys=False, allow_unicode=True)
    config = json.dumps(_configuration(run), indent=2, ensure_ascii=False)
    return {
        CARD_FILE: f"---\n{header}---\n\n{_body(run)}".encode(),
        "config.json": f"{config}\n".encode(),
        **{file.name: file.read_bytes() for file in weights},
    }


def _header(run: Run) -> dict[str, Any]:
    has_keras = (run.path / KERAS_FILE).is_file()
    results = [_result(run, split) for split in judged_splits(run) if not is_training(split)]
    return {
        "license": _licence(run.info.licence),
        **({"library_name": "keras"} if has_keras else {}),
        "pipeline_tag": _TASK["type"],
        "tags": ["facial-expression-recognition", *(["litert"] if run.litert_file else [])],
        "model-index": [{"name": run.info.name, "results": results}],
    }


def _licence(text: str) -> str:
    if text.startswith("Weights: MIT."):
        return "mit"
    return "unknown" if not text or text.startswith("Unknown") else "other"


def _result(run: Run, split: str) -> dict[str, Any]:
    figures = metrics_of(run, split, resamples=0)
    name = run.info.dataset.name
    return {
        "task": dict(_TASK),  # a copy each, or YAML would refer to the first
        "dataset": {"name": name, "type": re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"), "split": split},
        "metrics": [
            {"type": _TYPES.get(metric, metric), "value": round(figures[metric], 6), "name": METRIC_TITLES[metric]}
            for metric in SCALARS
            if not math.isnan(figures[metric])
        ],
    }


def _configuration(run: Run) -> dict[str, Any]:
    info = run.info
    return {
        "model_type": info.architecture,
        "id2label": {str(place): name for place, name in enumerate(info.class_names)},
        "label2id": {name: place for place, name in enumerate(info.class_names)},
        "image_size": list(info.input_size),
        "num_channels": info.channels,
        "normalization": asdict(info.normalization),
        "parameters": info.parameters,
        "training": dict(info.config),
    }


def _body(run: Run) -> str:
    card = run.path / CARD_FILE
    if card.is_file():
        return card.read_text(encoding="utf-8")
    return f"# {run.info.name}\n\n{run.info.note}\n\n{run.info.licence}\n"
