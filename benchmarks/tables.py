"""Write the tables of ``training/README.md`` from the files that hold their figures: ``python -m benchmarks.tables``.

A table stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``; what is between them is replaced. ``--check`` changes
nothing and fails where a table is not what its files say.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emoscope.model.places import HOME
from emoscope.model.runs.renamed_keys import BENCHMARK_KEYS, with_current_keys
from emoscope.model.runs.run import load_run

HERE = Path(__file__).parent
DOCUMENT = HOME / "training" / "README.md"
DESIGNS = {
    "gap_cnn": "–",
    "flatten_cnn": "about 62 %",
    "vgg_cnn": "–",
    "classic_cnn": "67 to 75 % (training images: 98 %)",
    "lite_cnn": "–",
}
"""The published designs and the accuracy that their authors report."""


def stages() -> str:
    """What each stage of the shipped run's training reached."""
    head = "stage", "training", "PublicTest, log loss", "PrivateTest (95 % interval)", "macro F1", "FER+ majority"
    head = *head, "most people: PublicTest, PrivateTest"
    body = []
    for row in _rows("stages"):
        scored = row["publictest_accuracy"]
        public = f"{_percent(scored)}, {float(row['publictest_log_loss']):.3f}" if scored else "not scored"
        low, high = (_percent(row[f"privatetest_{end}"]).removesuffix(" %") for end in ("low", "high"))
        private = f"{_percent(row['privatetest_accuracy'])} ({low} to {high})" if low else "not scored"
        others = (_percent(row[key]) for key in ("privatetest_macro_f1", "ferplus_privatetest_accuracy"))
        people = ", ".join(_percent(row[f"votes_{split}_accuracy"]) for split in ("publictest", "privatetest"))
        body.append((row["stage"], row["training"], public, private, *others, people.strip(", ")))
    return _table(head, body)


def ensembles() -> str:
    """What several stages reach together."""
    head = "mean of the probabilities of stages", "PublicTest", "log loss"
    return _table(
        head,
        [
            (row["stages"], _percent(row["publictest_accuracy"]), f"{float(row['publictest_log_loss']):.3f}")
            for row in _rows("ensembles")
        ],
    )


def seeds() -> str:
    """The last stage with three seeds."""
    head = "seed", "accuracy", "log loss", "macro F1", "FER+ majority"
    body = []
    for row in _rows("seeds"):
        loss = f"{float(row['publictest_log_loss']):.3f}"
        f1, votes = (_percent(row[key]) for key in ("publictest_macro_f1", "ferplus_publictest_accuracy"))
        body.append((row["seed"], _percent(row["publictest_accuracy"]), loss, f1, votes))
    return _table(head, body)


def ablation() -> str:
    """What each ingredient gains."""
    head = "training", "accuracy", "log loss", "accuracy, difference in points", "log loss, difference"
    body = []
    for row in _json("ablation")["results"]:
        differences = [
            "{:+.{d}f} ({:+.{d}f} to {:+.{d}f})".format(*row[key], d=digits) if key in row else ""
            for key, digits in (("accuracy_above", 1), ("log_loss_above", 3))
        ]
        body.append((row["variant"], f"{row['accuracy']:.1f} %", f"{row['log_loss']:.3f}", *differences))
    return _table(head, body)


def robustness() -> str:
    """Accuracy on damaged images."""
    rows = _rows("robustness")
    head = "accuracy, mean of five severities", *(key for key in rows[0] if key != "damage")
    return _table(
        head,
        [
            (
                row["damage"].replace("_", " "),
                *(_percent(row[key], 1 if row["damage"] == "untouched" else 0) for key in head[1:]),
            )
            for row in rows
        ],
    )


def designs() -> str:
    """The published designs as trained here."""
    head = "design", "reported", "PublicTest", "PrivateTest (95 % interval)", "macro F1"
    head = *head, "training images", "parameters", "ms per face"
    times = {
        row["run"]: row["ms_per_face"] for row in _json("inference")["results"] if row["threads"] == row["batch"] == 1
    }
    body = []
    for key, reported in DESIGNS.items():
        run = load_run(HOME / "artifacts" / key)
        public, private = run.metrics["PublicTest"], run.metrics["PrivateTest"]
        low, high = private["intervals"]["accuracy"]
        body.append(
            (
                f"`{key}`",
                reported,
                _percent(public["accuracy"]),
                f"{_percent(private['accuracy'])} ({100 * low:.1f} to {100 * high:.1f})",
                _percent(private["macro_f1"]),
                _percent(run.history["accuracy"][(run.info.best_epoch or 1) - 1], 0),
                f"{run.info.parameters / 1e6:.2f} M",
                f"{times[key]:.2f}",
            )
        )
    return _table(head, body)


def rates() -> str:
    """Images per second in training, TensorFlow."""
    head = "design", "operations per face", "images per second", "GFLOP/s", "of a matrix product's"
    return _table(
        head,
        [
            (
                f"`{row['config']}`",
                f"{row['operations_per_face'] / 1e6:.0f} M",
                f"{row['images_per_second']:.0f}",
                f"{row['gflops']:.0f}",
                f"{row['ratio']:.2f}",
            )
            for row in _json("training")["results"]
        ],
    )


def precision() -> str:
    """Images per second with 32 and with 16 bits, PyTorch."""
    found = {(row["config"], row["precision"]): row for row in _json("precision")["results"]}
    head = "design", "operations per face", "float32: images per second, of a float32 matrix product's rate", "bfloat16"
    body = []
    for config in dict.fromkeys(name for name, _ in found):
        both = [found[config, precision] for precision in ("float32", "bfloat16")]
        cells = (f"{row['images_per_second']:.0f}, {row['ratio']:.2f}" for row in both)
        body.append((f"`{config}`", f"{both[0]['operations_per_face'] / 1e6:.0f} M", *cells))
    return _table(head, body)


TABLES: dict[str, Callable[[], str]] = {
    table.__name__: table for table in (stages, ensembles, seeds, ablation, robustness, designs, rates, precision)
}


def render(text: str) -> str:
    """Return a Markdown document with every table written anew.

    Raises:
        ValueError: A table has no place in it.
    """
    for name, table in TABLES.items():
        text, count = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)",
            lambda found, t=table: f"{found[1]}\n{t()}\n{found[2]}",
            text,
            flags=re.S,
        )
        if count != 1:
            raise ValueError(f"{DOCUMENT.name} has {count} places for the table {name}, not one.")
    return text


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _percent(value: Any, digits: int = 1) -> str:
    return f"{100 * float(value):.{digits}f} %" if value not in ("", None) else ""


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / "recipe" / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _json(name: str) -> Any:
    text = (HERE / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text, object_hook=lambda values: with_current_keys(values, BENCHMARK_KEYS))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the tables of training/README.md from their files.")
    parser.add_argument("--check", action="store_true", help="change nothing, and fail where a table is out of date")
    text = DOCUMENT.read_text(encoding="utf-8")
    new = render(text)
    if parser.parse_args().check and new != text:
        sys.exit("training/README.md is out of date. Run `python -m benchmarks.tables`.")
    DOCUMENT.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
