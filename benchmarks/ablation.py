"""What each ingredient of stage 4 of the shipped run's training gains: ``python -m benchmarks.ablation --data DIR``.

It is trained again for a few epochs, once as it is and once without each ingredient; all start from the same weights
with the same seed. The networks predict PublicTest, and each is compared with the whole recipe by a paired bootstrap
over the images; the predictions stay beside the checkpoints, the figures go to ``benchmarks/ablation.json``. What is
trained already is not trained again. The intervals cover the chance of the images, not that of the training:
``--seeds`` trains each several times and averages the differences over them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from benchmarks.machine import describe_machine
from emoscope.model.dataset import Dataset
from emoscope.model.evaluation.calibration import log_losses
from emoscope.model.evaluation.statistics import bootstrap_mean, percentile_interval
from emoscope.training.commands.arguments import add_data_arguments, load_data_at
from emoscope.training.config.schema import TrainConfig, load_config

HERE = Path(__file__).parent
WHOLE = "the whole recipe"
EPOCHS = 3
SCHEDULE = {
    "epochs": EPOCHS,
    "mild_epochs": 1,
    "learning_rate": 0.03,
    "resolutions": [[0.67, 32]],
    "precision": "bfloat16",
}


def variants() -> dict[str, TrainConfig]:
    """Return the configurations to train, by what they lack."""
    config = load_config("lab/4-student-of-two", SCHEDULE)
    alone = {"labels": "fer", "initial": config.initial[:1], "privileged_votes": False}
    sharp = replace(config.augmentation, gamma=0.0, side_light=0.0, blur=0.0, noise=0.0, erasing=0.0)
    return {
        WHOLE: config,
        "without the head for FER+": replace(config, **alone),
        "without a teacher": config.without_teacher(),
        "the teacher without the votes": replace(config, privileged_votes=False),
        "teachers not online": replace(config, teacher_views=0.0),
        "out-of-fold predictions of stage 5 besides": replace(config, teacher=("lab-5", *config.teacher)),
        "without mixup": replace(config, mixup=0.0),
        "without averaged weights": replace(config, ema_decay=0.0),
        "without light, blur, noise and erasing": replace(config, augmentation=sharp),
        "strong augmentation to the end": replace(config, mild_epochs=0),
    }


def predict(config: TrainConfig, dataset: Dataset, checkpoint: Path) -> np.ndarray:
    """Train, and return the best epoch's probabilities of the validation images, shape (N, C)."""
    from emoscope.model.networks.preprocessing import normalize
    from emoscope.training.loop.train import train

    trained = train(config, dataset, checkpoint)
    assert dataset.validation is not None
    images = normalize(dataset.validation.images.astype(np.float32), config.normalization, np)
    logits = trained.network.predict(images, batch_size=256, verbose=0)["fer"]
    return softmax(logits, axis=1)


def gains(found: Mapping[str, np.ndarray], labels: np.ndarray) -> list[dict[str, Any]]:
    """Return accuracy in percent and log loss, and their differences to the whole recipe's, with intervals.

    Args:
        found: Probabilities by variant, shape (seeds, N, C).
        labels: Shape (N,).
    """
    figures = {
        name: {
            "accuracy": 100.0 * (values.argmax(2) == labels).mean(0),
            "log_loss": np.mean([log_losses(labels, one) for one in values], axis=0),
        }
        for name, values in found.items()
    }
    rows = []
    for name, of_images in figures.items():
        row: dict[str, Any] = {"variant": name}
        for figure, values in of_images.items():
            row[figure] = round(float(values.mean()), 3)
            if name != WHOLE:
                difference = values - figures[WHOLE][figure]
                interval = percentile_interval(bootstrap_mean(difference))
                row[f"{figure}_above"] = [round(float(x), 3) for x in (difference.mean(), *interval)]
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="What each ingredient of stage 4 of the training gains.")
    add_data_arguments(parser)
    parser.add_argument("--seeds", type=int, default=1, help="trainings per variant (default 1)")
    parser.add_argument("--work", type=Path, default=HERE.parent / "artifacts" / ".checkpoints", help="for checkpoints")
    options = parser.parse_args()
    whole = variants()[WHOLE]
    dataset = load_data_at(options, whole.input_size, whole.channels)
    assert dataset.validation is not None, "PublicTest decides"
    file = options.work / "ablation.npz"
    kept: dict[str, np.ndarray] = dict(np.load(file)) if file.is_file() else {}
    for seed in range(options.seeds):
        for name, config in variants().items():
            key = f"{name}, seed {seed}"
            if key not in kept:
                print(f"==> {key}")
                checkpoint = options.work / f"ablation-{seed}-{'-'.join(name.split())}.npz"
                kept[key] = predict(replace(config, seed=seed), dataset, checkpoint).astype(np.float16)
                np.savez_compressed(file, **kept)  # type: ignore[arg-type]
    found = {
        name: np.stack([kept[f"{name}, seed {seed}"].astype(np.float32) for seed in range(options.seeds)])
        for name in variants()
    }
    rows = gains(found, dataset.validation.labels)
    for row in rows:
        print(f"{row['variant']:42s} {row['accuracy']:.2f} %  {row['log_loss']:.3f}", end="")
        for figure in ("accuracy_above", "log_loss_above"):
            print("  {:+.3f} ({:+.3f} to {:+.3f})".format(*row[figure]) if figure in row else "", end="")
        print()
    report = {"machine": describe_machine(), "epochs": EPOCHS, "seeds": options.seeds, "results": rows}
    (HERE / "ablation.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
