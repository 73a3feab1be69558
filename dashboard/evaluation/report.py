"""A run or a comparison of two as one HTML file that opens anywhere, without a network and without this program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from emoscope.dashboard.charts.calibration import coverage_curve as coverage_chart
from emoscope.dashboard.charts.calibration import reliability_diagram
from emoscope.dashboard.charts.comparison import class_differences
from emoscope.dashboard.charts.confusion import confusion_difference, confusion_matrix
from emoscope.dashboard.charts.curves import QUANTITIES, has_quantity, training_curves
from emoscope.dashboard.charts.ranking import class_scores, precision_recall_curves, roc_curves
from emoscope.dashboard.charts.robustness import accuracy_by_severity, retained_accuracy
from emoscope.dashboard.evaluation.settings_table import hyperparameters
from emoscope.model.drawing.palette import class_colors
from emoscope.model.errors import RunError
from emoscope.model.evaluation.calibration import apply_temperature, calibration_data, reliability
from emoscope.model.evaluation.class_order import weakest
from emoscope.model.evaluation.comparison import Comparison, Difference, Pair, compare, pair_runs, verdict
from emoscope.model.evaluation.curves import coverage_curve, precision_recall_curve, roc_curve
from emoscope.model.evaluation.metrics import METRIC_TITLES, SCALARS, confusion_counts, metrics_of
from emoscope.model.evaluation.robustness import read_robustness, robustness_comparable, summarize_robustness
from emoscope.model.runs.figures import Metrics, Scalar
from emoscope.model.runs.run import Run, own_labels
from emoscope.model.splits import images_of

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff; max-width: 1080px; margin: 0 auto;
  padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { margin: 2.5rem 0 .5rem; border-bottom: 1px solid #d8dde4; }
.verdict { font-size: 1.15rem; padding: .8rem 1rem; background: #eef4fb; border-left: 4px solid #0b6fb8; }
.note { color: #57606a; } figure { margin: 1rem 0; } figcaption { color: #57606a; font-size: .92rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #e6e9ee; text-align: right; }
td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 2px solid #aab2bd; }
@media print { figure, table { break-inside: avoid; } }
"""
_CONFIG = {"displaylogo": False, "responsive": True}


def build_report(runs: Sequence[Run], split: str | None = None) -> str:
    """Return the report on one run, or on two side by side, as HTML.

    Args:
        runs: One or two.
        split: That the figures are of, judged by votes or by labels; by default the test split, where all runs have it,
            judged as the first run learned.

    Raises:
        RunError: No split is shared, or the predictions cannot be read.
    """
    if not 1 <= len(runs) <= 2:
        raise ValueError(f"A report is on one run or two. Received: {len(runs)}")
    if len({run.key for run in runs}) != len(runs):
        raise RunError(f"{runs[0].key} was named twice.", "Name two different runs.")
    shared = [name for name in runs[0].splits if all(name in run.splits for run in runs)]
    if not shared or (split and images_of(split) not in shared):
        names = " and ".join(run.key for run in runs)
        raise RunError(
            f"There are no predictions of {names} on {split or 'a common split'}.", "Evaluate them on the same data."
        )
    split = split or own_labels(runs[0], shared[0])
    title = " against ".join(run.info.name for run in runs)
    parts = [f"<h1>{escape(title)}</h1>", _facts(runs, split)]
    if len(runs) == 2:
        parts.append(_comparison_section(runs[0], runs[1], split))
    parts.append(_scores_section(runs, split))
    parts.append(_training_section(runs))
    for run in runs:
        parts.append(_run_section(run, split, alone=len(runs) == 1))
    parts.append(_robustness_section(runs))
    parts.append(_settings_section(runs))
    return _page(title, "\n".join(part for part in parts if part))


def _facts(runs: Sequence[Run], split: str) -> str:
    lines = []
    for run in runs:
        info = run.info
        facts = f"{info.architecture}, {info.parameters:,} parameters, input {info.input_text}"
        if not info.knows_input:
            facts = "results of another program, without its network"
        lines.append(f"<p><b>{escape(run.key)}</b>: {escape(facts)}. {escape(info.note)}</p>")
    lines.append(f'<p class="note">Figures are of {escape(split)}; brackets hold bootstrap 95 % intervals.</p>')
    return "\n".join(lines)


def _comparison_section(a: Run, b: Run, split: str) -> str:
    try:
        pair = pair_runs(a, b, split)
    except RunError as error:
        return f'<h2>Comparison</h2><p class="verdict">{escape(str(error))}</p>'
    comparison = compare(pair)
    test = comparison.test
    counts = (
        f"Both right: {comparison.both_right:,}. Both wrong: {comparison.both_wrong:,}. Only {a.key} right: "
        f"{test.only_a:,}. Only {b.key} right: {test.only_b:,}."
    )
    return "\n".join(
        [
            f'<h2>Comparison</h2><p class="verdict">{escape(verdict(comparison))}</p>',
            f"<p>{escape(counts)}</p>",
            _figure(_recall_differences(comparison, pair), "Recall by class with paired bootstrap 95 % intervals."),
            _figure(_confusion_change(pair), f"Where {b.key} predicts differently from {a.key}."),
        ]
    )


def _recall_differences(comparison: Comparison, pair: Pair) -> go.Figure:
    found: list[Difference] = [comparison.per_class[name]["recall"] for name in pair.class_names]
    values = np.array([-d.value for d in found])  # the chart shows B less A
    ends = np.array([(-d.high, -d.low) for d in found])
    shown = weakest(-np.abs(values))
    return class_differences(
        [pair.class_names[i] for i in shown], values[shown], ends[shown], (pair.a, pair.b), "Recall"
    )


def _confusion_change(pair: Pair) -> go.Figure:
    classes = len(pair.class_names)
    a, b = (confusion_counts(pair.label, predicted, classes) for predicted in pair.predicted)
    return confusion_difference(a, b, pair.class_names, (pair.a, pair.b))


def _scores_section(runs: Sequence[Run], chosen: str) -> str:
    header = ["Run", "Split", "n", *(METRIC_TITLES[name] for name in SCALARS)]
    rows = []
    for run in runs:
        for split in run.splits if len(runs) == 1 else (chosen,):
            figures = metrics_of(run, split)
            cells = [_with_interval(figures, name) for name in SCALARS]
            rows.append([run.key, split, f"{figures['n']:,}", *cells])
    return "<h2>Scores</h2>" + _table(header, rows)


def _with_interval(figures: Metrics, name: Scalar) -> str:
    values = (figures[name], *figures["intervals"][name])
    if not np.isfinite(values[0]):
        return "–"
    pattern = "{:.3f} [{:.3f}, {:.3f}]" if name == "log_loss" else "{:.1f} % [{:.1f}, {:.1f}]"
    return pattern.format(*(value if name == "log_loss" else 100 * value for value in values))


def _training_section(runs: Sequence[Run]) -> str:
    histories = {run.key: run.history for run in runs if run.history}
    if not histories:
        return ""
    best = {run.key: run.info.best_epoch for run in runs}
    figures = [
        _figure(training_curves(histories, quantity, best_epochs=best), f"{quantity} by epoch.")
        for quantity in QUANTITIES
        if any(has_quantity(history, quantity) for history in histories.values())
    ]
    return "<h2>Training</h2>" + "\n".join(figures)


def _run_section(run: Run, split: str, alone: bool) -> str:
    names, metrics = run.info.class_names, metrics_of(run, split)
    colors = class_colors(names)
    rows = [
        [row["name"], *(f"{100 * row[k]:.1f}" for k in ("precision", "recall", "f1")), f"{row['support']:,}"]
        for row in metrics["per_class"]
    ]
    parts = [
        f"<h2>{escape(run.key)} in detail</h2>",
        _table(["Class", "Precision %", "Recall %", "F1 %", "Support"], rows),
    ]
    if split in run.reports:
        return "\n".join([*parts, "<p>These figures are stated by an imported report; more is not known.</p>"])
    matrix = confusion_matrix(np.array(metrics["confusion"]), names, "row")
    parts.append(_figure(matrix, "Share of each true class, by prediction."))
    predictions = run.predictions(split)
    if not predictions.has_probabilities:
        return "\n".join([*parts, "<p>No probabilities were imported, so nothing is known of its confidence.</p>"])
    label, probabilities = predictions.label, predictions.probabilities
    if alone:
        scores = {k: np.array([row[k] for row in metrics["per_class"]]) for k in ("precision", "recall", "f1")}
        ends = np.array([row["intervals"]["f1"] for row in metrics["per_class"]])
        shown = weakest(scores["f1"])
        chosen = [names[i] for i in shown]
        bars = class_scores(chosen, {k: column[shown] for k, column in scores.items()}, ends[shown], colors)
        parts.append(_figure(bars, "F1 by class with its interval."))
        if len(chosen) < len(names):
            parts.append(f"<p>Charts by class show the {len(chosen)} of {len(names):,} classes with the lowest F1.</p>")
        scores_of = {names[k]: (label == k, probabilities[:, k]) for k in shown}
        rocs = {name: roc_curve(*found) for name, found in scores_of.items()}
        parts.append(_figure(roc_curves(rocs, colors), "Each class against the rest."))
        trade_offs = {name: precision_recall_curve(*found) for name, found in scores_of.items()}
        parts.append(_figure(precision_recall_curves(trade_offs, colors), "Precision against recall of each class."))
        abstaining = coverage_chart(coverage_curve(label, probabilities), 0.0)
        parts.append(_figure(abstaining, "Accuracy when only the most confident predictions are made."))
    confident, truth = calibration_data(run, split)
    diagrams = {"as trained": reliability(truth, confident)}
    if temperature := run.temperature:
        scaled = apply_temperature(confident, temperature)
        diagrams[f"temperature {temperature:.2f}"] = reliability(truth, scaled)
    parts.append(_figure(reliability_diagram(diagrams), "Whether a confidence of 70 % is right 70 % of the time."))
    return "\n".join(parts)


def _robustness_section(runs: Sequence[Run]) -> str:
    rows = {run.key: found for run in runs if (found := read_robustness(run))}
    if not rows:
        return ""
    reason = robustness_comparable(*runs) if len(rows) == 2 else ""
    parts = ["<h2>Robustness</h2>"]
    if reason:
        parts.append(f'<p class="verdict">{escape(reason)}</p>')
    for group in [{key: found} for key, found in rows.items()] if reason else [rows]:
        parts.append(_figure(accuracy_by_severity(group), f"Accuracy of {', '.join(group)} as pictures get worse."))
        summaries = {key: summarize_robustness(found) for key, found in group.items()}
        parts.append(_figure(retained_accuracy(summaries), "Share of the clean accuracy that is kept."))
    return "\n".join(parts)


def _settings_section(runs: Sequence[Run]) -> str:
    table = hyperparameters({run.key: run for run in runs}, differences_only=len(runs) > 1)
    rows = [[str(name), *map(str, values)] for name, values in zip(table.index, table.to_numpy(), strict=True)]
    title = "Settings that differ" if len(runs) > 1 else "Settings"
    return f"<h2>{title}</h2>" + (_table(["Setting", *table.columns], rows) if rows else "<p>None.</p>")


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _figure(figure: go.Figure, caption: str) -> str:
    figure.update_layout(font_color="#1b1f24")
    chart = figure.to_html(full_html=False, include_plotlyjs=False, config=_CONFIG, default_width="100%")
    return f"<figure>{chart}<figcaption>{escape(caption)}</figcaption></figure>"


def _page(title: str, body: str) -> str:
    from plotly.offline import get_plotlyjs

    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Emoscope</title>
<style>{_STYLE}</style>
<script>{get_plotlyjs()}</script>
</head>
<body>
{body}
</body>
</html>
"""
