"""Any set of runs over one another: loss, accuracy, gap and learning rate by epoch or by time, live."""

import streamlit as st

from emoscope.dashboard.charts.curves import (
    OF_LOSS,
    QUANTITIES,
    counts_steps,
    has_quantity,
    other_quantities,
    training_curves,
)
from emoscope.dashboard.evaluation import scores
from emoscope.dashboard.evaluation.run_choice import available_runs, choose_runs, report_problems, seed_bands
from emoscope.dashboard.evaluation.settings_table import by_loss, hyperparameters
from emoscope.dashboard.evaluation.trainings import follow, trainings, unfinished_runs
from emoscope.dashboard.ui.chart_export import show_chart
from emoscope.dashboard.ui.tables import show_table
from emoscope.dashboard.ui.url_state import in_url

st.title("Training curves")
st.caption("Dashed is training, solid is validation; a star marks the epoch whose weights were kept.")
unfinished = unfinished_runs()
runs = available_runs(stop=not unfinished) | unfinished
going_on = trainings(runs)
without = [key for key, run in runs.items() if key not in going_on and not (run.path / "history.csv").is_file()]
chosen = choose_runs(runs, first=going_on, empty=without)
if not chosen:
    st.info("Choose at least one run.", icon=":material/touch_app:")
    st.stop()
if going_on := {key: going_on[key] for key in chosen if key in going_on}:
    follow(chosen, going_on)
seeds = seed_bands({key: run for key, run in runs.items() if key not in going_on}, chosen)
drawn = chosen | {key: runs[key] for keys in seeds.values() for key in keys}
begun = {key: run for key, run in drawn.items() if key not in going_on or (run.path / "history.csv").is_file()}
histories, problems = scores.histories(begun)
report_problems(problems)

if histories:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        quantity = in_url(
            st.segmented_control,
            "Show",
            key="quantity",
            options=[*QUANTITIES, *other_quantities(histories.values())],
            default="Accuracy",
            required=True,
            wrap=True,
        )
        axis = in_url(
            st.segmented_control, "Along", key="along", options=["Epochs", "Time"], default="Epochs", required=True
        )
        smoothing = in_url(
            st.slider, "Smoothing", key="smoothing", min_value=0.0, max_value=0.95, value=0.0, step=0.05, width=170
        )
        log = in_url(st.toggle, "Logarithmic", key="log", value=False)
    shown = {key: history for key, history in histories.items() if has_quantity(history, quantity)}
    missing = [key for key in histories if key not in shown]
    named = quantity.lower() if quantity in QUANTITIES else quantity
    report_problems([f"{key}/history.csv has no columns for {named}." for key in missing])
    if shown:
        untimed = [key for key in shown if axis == "Time" and "seconds" not in shown[key]]
        report_problems([f"{key}/history.csv has no times, so it is drawn by epoch." for key in untimed])
        stepped = [key for key in shown if axis == "Epochs" and counts_steps(shown[key])]
        report_problems([f"{key}/history.csv counts steps and no epochs, so it is drawn by step." for key in stepped])
        groups = by_loss({key: drawn[key] for key in shown}) if quantity in OF_LOSS else {"": list(shown)}
        if len(groups) > 1:
            st.caption("Values of different losses cannot be compared, so each kind has a chart of its own.")
        for kind, keys in groups.items():
            bands = {name: found for name, all_seeds in seeds.items() if (found := [k for k in all_seeds if k in keys])}
            if kind and len(groups) > 1:
                st.markdown(f"**{kind[0].upper()}{kind[1:]}**")
            show_chart(
                training_curves(
                    {key: shown[key] for key in keys},
                    quantity,
                    axis="time" if axis == "Time" else "epoch",
                    smoothing=smoothing,
                    log=log,
                    best_epochs={key: run.info.best_epoch for key, run in drawn.items()},
                    names=[*seeds, *(key for key in drawn if not any(key in keys for keys in seeds.values()))],
                    bands=bands,
                ),
                "-".join(("training", *quantity.lower().split(), *(keys[:1] if len(groups) > 1 else ()))),
                f"{quantity} of {', '.join(keys)} by {axis.lower()}.",
            )

st.subheader("How they were made")
differences_only = in_url(st.toggle, "Differences only", key="differences", value=True, disabled=len(chosen) < 2)
table = hyperparameters(chosen, differences_only)
if table.empty:
    st.caption("These runs were made with the same settings.")
else:
    show_table(table, index=True, alt="Settings of each run.", height="content" if len(table) < 25 else 600)
