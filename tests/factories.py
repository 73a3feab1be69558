"""Made-up saved runs for tests and benchmarks: real files in the real layout, seeded."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emoscope.model.runs.files import write_json
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import DatasetInfo, Normalization, Run, RunInfo, load_run, write_history, write_run_info

FER7 = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
FER7_COUNTS = (467, 56, 496, 895, 653, 415, 607)


def make_labels(n: int, classes: int, seed: int = 0) -> np.ndarray:
    """Draw labels, int64 (n,): with FER-2013's imbalance for seven classes, else even."""
    weights = np.array(FER7_COUNTS if classes == 7 else [1] * classes, float)
    return np.random.default_rng([seed, 7]).choice(classes, n, p=weights / weights.sum()).astype(np.int64)


def make_predictions(
    n: int = 3589,
    classes: int = 7,
    accuracy: float = 0.7,
    seed: int = 0,
    split: str = "PublicTest",
    sharpness: float = 1.0,
    data_seed: int = 0,
) -> Predictions:
    """Make predictions that are right about ``accuracy`` of the time, with confusable neighbour classes.

    Runs made with the same ``n``, ``classes``, ``split`` and ``data_seed`` share labels, pixel hashes and each sample's
    difficulty (so their errors are correlated, as those of real networks are); ``seed`` is the network's own noise.
    ``sharpness`` above 1 makes the network overconfident.
    """
    data = np.random.default_rng([data_seed, sum(map(ord, split))])
    label = make_labels(n, classes, data_seed + sum(map(ord, split)))
    pixel_hash = data.integers(1, 2**63, n, dtype=np.uint64)
    shared = data.gumbel(size=(n, classes))
    own = np.random.default_rng([seed, sum(map(ord, split)), 1]).gumbel(size=(n, classes))
    noise = 0.8 * shared + 0.6 * own
    noise[np.arange(n), (label + 1) % classes] += 0.7
    others = noise.copy()
    others[np.arange(n), label] = -np.inf
    # the margin by which the label must be lifted so that the wanted share of samples is right
    needed = others.max(1) - noise[np.arange(n), label]
    lift = np.quantile(needed, accuracy) if 0 < accuracy < 1 else (needed.max() + 1 if accuracy else needed.min() - 1)
    logits = noise
    logits[np.arange(n), label] += lift
    logits = logits * sharpness
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    probabilities = (exponentials / exponentials.sum(1, keepdims=True)).astype(np.float32)
    return Predictions(np.arange(n, dtype=np.int64), pixel_hash, label, probabilities)


def make_history(epochs: int = 40, accuracy: float = 0.7, seed: int = 0) -> list[Mapping[str, float]]:
    """Make a plausible training history, one row an epoch: warm rise, a cosine rate, a growing gap late."""
    noise = np.random.default_rng([seed, 3])
    rows: list[Mapping[str, float]] = []
    for epoch in range(epochs):
        progress = (epoch + 1) / epochs
        rise = 1 - np.exp(-5 * progress)
        rows.append(
            {
                "epoch": epoch + 1,
                "loss": 1.95 - 1.25 * rise - 0.25 * progress + 0.01 * noise.standard_normal(),
                "accuracy": min(0.2 + (accuracy - 0.1) * rise + 0.12 * progress, 0.999),
                "val_loss": 1.9 - 1.1 * rise + 0.15 * progress**4 + 0.03 * noise.standard_normal(),
                "val_accuracy": 0.2 + (accuracy - 0.2) * rise + 0.008 * noise.standard_normal(),
                "learning_rate": 1e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs)),
                "seconds": 60 + 2 * noise.standard_normal(),
            }
        )
    return rows


def write_run(
    root: Path,
    key: str,
    *,
    class_names: Sequence[str] = FER7,
    n: int = 3589,
    accuracy: float = 0.7,
    seed: int = 0,
    splits: Sequence[str] = ("PublicTest", "PrivateTest"),
    epochs: int = 40,
    sharpness: float = 1.0,
    data_seed: int = 0,
    metrics: bool = False,
    robustness: bool = False,
    calibration: bool = False,
    **info: Any,
) -> Run:
    """Write a made-up saved run into ``root/key`` and open it.

    Args:
        root: Folder of runs.
        key: Folder name of the run.
        class_names: In network order.
        n: Samples a split.
        accuracy: Share of right predictions aimed at.
        seed: The network's own noise; runs with the same ``data_seed`` share samples and labels.
        splits: For which predictions are written; empty for none.
        epochs: Rows of ``history.csv``; 0 for none.
        sharpness: Above 1 for overconfidence.
        data_seed: Another value makes another test set.
        metrics: Also write ``metrics.json``.
        robustness: Also write a made-up ``robustness.csv``.
        calibration: Also fit and write ``calibration.json``.
        info: Fields of ``run.json`` to set, e.g. ``parameters=10`` or ``config={"batch_size": 64}``.
    """
    path = root / key
    history = make_history(epochs, accuracy, seed)
    fields: dict[str, Any] = {
        "name": key.replace("-", " ").title(),
        "architecture": "emoscope",
        "input_size": (48, 48),
        "channels": 1,
        "normalization": Normalization(),
        "label_source": "fer2013",
        "dataset": DatasetInfo("FER-2013", dict.fromkeys(splits, n), f"{data_seed:016x}"),
        "config": {"batch_size": 64, "optimizer": "adamw", "learning_rate": 1e-3, "seed": seed},
        "seed": seed,
        "environment": {"python": "3.11", "keras": "3.15", "backend": "tensorflow", "device": "cpu"},
        "parameters": 700_000 + 10_000 * seed,
        "multiply_adds": 105_000_000 + 1_000_000 * seed,
        "best_epoch": 1 + int(np.argmax([row["val_accuracy"] for row in history])) if history else None,
        "training_seconds": sum(row["seconds"] for row in history),
        **info,
    }
    write_run_info(path, RunInfo(class_names=tuple(class_names), **fields))
    if history:
        write_history(path, history)
    for split in splits:
        write_predictions(
            path, split, make_predictions(n, len(class_names), accuracy, seed, split, sharpness, data_seed)
        )
    run = load_run(path)
    if metrics:
        from emoscope.model.evaluation.metrics import compute_metrics

        write_json(path / "metrics.json", {s: compute_metrics(run.predictions(s), class_names) for s in splits})
    if calibration:
        from emoscope.model.evaluation.calibration import calibrate_run

        calibrate_run(run)
    if robustness:
        write_robustness_file(path, accuracy, seed)
    return run


def write_tiny_run(root: Path, key: str = "emoscope", **info: Any) -> Run:
    """Write a run whose network works: bright faces are happy to it, dark ones sad. Nothing was measured of it."""
    fields: dict[str, Any] = {"class_names": FER7, "input_size": (48, 48), "channels": 1, **info}
    write_run_info(root / key, RunInfo("Tiny", "foreign", **fields))
    shutil.copy(Path(__file__).parent / "assets" / "cam.tflite", root / key / "model.tflite")
    return load_run(root / key)


def write_robustness_file(path: Path, accuracy: float = 0.7, seed: int = 0) -> None:
    """Write a made-up ``robustness.csv``: accuracy falls with severity at a rate of each corruption's own."""
    from emoscope.model.evaluation.robustness import CORRUPTION_NAMES, SEVERITIES, RobustnessRow, write_robustness

    noise = np.random.default_rng([seed, 5])
    rows = [RobustnessRow("none", 0, 1000, accuracy, accuracy - 0.03)]
    for corruption in CORRUPTION_NAMES:
        rate = noise.uniform(0.03, 0.2)
        for severity in SEVERITIES:
            left = accuracy * float(np.exp(-rate * severity))
            rows.append(RobustnessRow(corruption, severity, 1000, left, max(left - 0.03, 0.0)))
    write_robustness(path, rows, {"split": "PublicTest", "samples": 1000, "seed": seed})
