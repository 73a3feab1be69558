"""Every figure that the README names is the one that was measured."""

import json
from pathlib import Path

import numpy as np
import pytest

from model.artifacts import load_run
from model.calibration import log_losses
from model.robustness import read_robustness, summarize_robustness
from model.statistics import bootstrap_mean, percentile_interval

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TRAINING = (ROOT / "training" / "README.md").read_text(encoding="utf-8")


def accuracy(key, split):
    figures = load_run(ROOT / "artifacts" / key).metrics[split]
    low, high = figures["intervals"]["accuracy"]
    return f"{100 * figures['accuracy']:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def benchmark(name):
    return json.loads((ROOT / "benchmarks" / f"{name}.json").read_text())


@pytest.mark.parametrize(("key", "split"), [("emoscope", "PrivateTest"), ("emoscope-ferplus", "PrivateTest")])
def test_accuracies(key, split):
    assert accuracy(key, split) in README


@pytest.mark.parametrize("key", ["gap_cnn", "flatten_cnn", "vgg_cnn", "classic_cnn", "lite_cnn"])
def test_published_designs(key):
    run = load_run(ROOT / "artifacts" / key)
    (line,) = [line for line in TRAINING.splitlines() if line.startswith(f"| `{key}` |") and "%" in line]
    assert f"| {100 * run.metrics['PublicTest']['accuracy']:.1f} % | {accuracy(key, 'PrivateTest')} |" in line
    assert f"| {100 * run.metrics['PrivateTest']['macro_f1']:.1f} % |" in line
    assert f"| {100 * run.history['accuracy'][run.info.best_epoch - 1]:.0f} % |" in line
    assert line.endswith(f"| {run.info.parameters / 1e6:.2f} M | {on_one_thread(key)['ms_a_face']:.2f} |")
    assert len(run.history["loss"]) <= run.info.config["epochs"]
    assert run.litert_file is not None


def test_robustness():
    keys = ["gap_cnn", "vgg_cnn", "emoscope-80-epochs", "emoscope-137-epochs", "emoscope"]
    found = [summarize_robustness(read_robustness(load_run(ROOT / "artifacts" / key))) for key in keys]
    assert "| " + " | ".join(f"`{key}`" for key in keys) + " |" in TRAINING
    assert f"| untouched | {' | '.join(f'{100 * one.clean_accuracy:.1f} %' for one in found)} |" in TRAINING
    for damage in found[0].retained:
        cells = " | ".join(f"{100 * one.retained[damage] * one.clean_accuracy:.0f} %" for one in found)
        assert f"| {damage.replace('_', ' ')} | {cells} |" in TRAINING
    assert f"| kept on average | {' | '.join(f'{100 * one.mean_retained:.0f} %' for one in found)} |" in TRAINING


@pytest.mark.parametrize(
    "key", ["emoscope-40-epochs", "emoscope-80-epochs", "emoscope-137-epochs", "emoscope-of-two", "emoscope"]
)
def test_steps(key):
    figures, votes = (load_run(ROOT / "artifacts" / name).metrics for name in (key, f"{key}-ferplus"))
    public, private = figures["PublicTest"], figures["PrivateTest"]
    (line,) = [line for line in TRAINING.splitlines() if f" (`{key}`) | " in line]
    cells = f"{100 * public['accuracy']:.1f} %, {public['log_loss']:.3f} | {accuracy(key, 'PrivateTest')}"
    majority = 100 * votes["PrivateTest"]["accuracy"]
    assert line.endswith(f" | {cells} | {100 * private['macro_f1']:.1f} % | {majority:.1f} % |")
    assert f"| {100 * private['accuracy']:.2f} % |" in TRAINING.split("## Readings of PrivateTest")[1]


@pytest.mark.parametrize("key", ["emoscope-large-46-epochs", "emoscope-large"])
def test_steps_that_were_not_read_on_private_test(key):
    run = load_run(ROOT / "artifacts" / key)
    assert run.splits == ("PublicTest",)
    figures = run.metrics["PublicTest"]
    (line,) = [line for line in TRAINING.splitlines() if f" (`{key}`) | " in line]
    assert line.endswith(f" | {100 * figures['accuracy']:.1f} %, {figures['log_loss']:.3f} | not read | | |")


def mean_of(*keys):
    answers = [load_run(ROOT / "artifacts" / key).predictions("PublicTest") for key in keys]
    label, mean = answers[0].label, np.mean([one.probabilities for one in answers], axis=0)
    return 100 * (mean.argmax(1) == label).mean(), log_losses(label, mean).mean()


def test_the_larger_teacher():
    words = " ".join(TRAINING.split())
    three = "emoscope-large", "emoscope-137-epochs", "emoscope-wide"
    assert "right on {:.1f} % of PublicTest at a log loss of {:.3f}".format(*mean_of(*three)) in words
    right, loss = mean_of(*three, "emoscope-of-two")
    assert f"that of all four networks on {right:.1f} % at {loss:.3f}" in words
    assert f"its four teachers together, whose log loss is {loss:.3f}" in words
    student, large = (load_run(ROOT / "artifacts" / key).info for key in ("emoscope", "emoscope-large"))
    times = large.multiply_adds / student.multiply_adds
    assert f"({large.parameters / 1e6:.1f} M weights, {times:.1f} times the operations)" in words
    held_out = load_run(ROOT / "artifacts" / "emoscope-halves").metrics["Training"]
    assert f"(`emoscope-halves`; {100 * held_out['accuracy']:.1f} % right)" in words


@pytest.mark.parametrize(("seed", "key"), [(0, "emoscope"), (1, "emoscope-seed-1"), (2, "emoscope-seed-2")])
def test_seeds(seed, key):
    run, votes = (load_run(ROOT / "artifacts" / name) for name in (key, f"{key}-ferplus"))
    same = {name: value for name, value in run.info.config.items() if name not in ("seed", "teacher_votes", "name")}
    first = load_run(ROOT / "artifacts" / "emoscope").info.config
    assert run.info.config["seed"] == seed and same.items() <= first.items()
    figures = run.metrics["PublicTest"]
    cells = f"{100 * figures['accuracy']:.1f} % | {figures['log_loss']:.3f} | {100 * figures['macro_f1']:.1f} %"
    assert f"| {seed}, `{key}` | {cells} | {100 * votes.metrics['PublicTest']['accuracy']:.1f} % |" in TRAINING


def test_ablation():
    for row in benchmark("ablation")["results"]:
        cells = [row["variant"], f"{row['accuracy']:.1f} %", f"{row['log_loss']:.3f}"]
        for key, digits in (("accuracy_above", 1), ("log_loss_above", 3)):
            differences = "{:+.{d}f} ({:+.{d}f} to {:+.{d}f})"
            cells.append(differences.format(*row[key], d=digits) if key in row else "")
        assert f"| {' | '.join(cells)} |" in TRAINING


def test_what_decided_for_the_student():
    keys = "emoscope-of-two", "emoscope"
    before, after = (load_run(ROOT / "artifacts" / key).predictions("PublicTest") for key in keys)
    right = [(one.probabilities.argmax(1) == one.label).astype(float) for one in (before, after)]
    losses = [log_losses(one.label, one.probabilities) for one in (before, after)]
    gain, saved = 100 * (right[1] - right[0]), losses[0] - losses[1]
    (low, high), (least, most) = (percentile_interval(bootstrap_mean(each)) for each in (gain, saved))
    words = " ".join(TRAINING.split())
    assert f"is lower by {saved.mean():.3f} (95 % interval {least:.3f} to {most:.3f})" in words
    assert f"higher by {gain.mean():.1f} points ({low:.1f} to {high:.1f})" in words


def test_two_opinions():
    one, other = (load_run(ROOT / "artifacts" / key) for key in ("emoscope-137-epochs", "emoscope-wide"))
    answers = [run.predictions("PublicTest") for run in (one, other)]
    label, mean = answers[0].label, (answers[0].probabilities + answers[1].probabilities) / 2
    together = (mean.argmax(1) == label).mean()
    words, figures = " ".join(TRAINING.split()), other.metrics["PublicTest"]
    assert f"right on {100 * figures['accuracy']:.1f} % at a log loss of {figures['log_loss']:.3f}" in words
    assert f"(`emoscope-137-epochs`: {one.metrics['PublicTest']['log_loss']:.3f})" in words
    assert f"the mean of both networks' probabilities on {100 * together:.1f} %" in words


def test_hours_of_training():
    parts = "80-epochs", "137-epochs", "wide", "of-two", "halves", "large-46-epochs", "large"
    keys = "emoscope", *(f"emoscope-{part}" for part in parts)
    seconds = sum(load_run(ROOT / "artifacts" / key).info.training_seconds for key in keys)
    assert f"Training took {seconds / 3600:.1f} hours, all teachers and the student together" in README


def test_training_rates():
    rows = {row["config"]: row for row in benchmark("training")["results"]}
    for key, row in rows.items():
        figures = f"{row['operations_a_face'] / 1e6:.0f} M | {row['images_a_second']:.0f} | {row['gflops']:.0f}"
        assert f"| `{key}` | {figures} | {row['ratio']:.2f} |" in TRAINING
    first, first_pool, second, second_pool = (row["milliseconds"] for row in rows["lite_cnn"]["layers"][:4])
    words = " ".join(TRAINING.split())
    assert f"takes {second:.0f} ms of a step, the first {first:.0f} ms" in words
    assert f"the two poolings {first_pool + second_pool:.0f} ms" in words


def test_training_rates_of_16_bits():
    found = {(row["config"], row["precision"]): row for row in benchmark("precision")["results"]}
    assert len(found) == 4
    for key in ("emoscope", "emoscope-large"):
        rows = [found[key, precision] for precision in ("float32", "bfloat16")]
        cells = " | ".join(f"{row['images_a_second']:.0f}, {row['ratio']:.2f}" for row in rows)
        assert f"| `{key}` | {rows[0]['operations_a_face'] / 1e6:.0f} M | {cells} |" in TRAINING


def on_one_thread(key):
    rows = benchmark("inference")["results"]
    return next(row for row in rows if (row["run"], row["threads"], row["batch"]) == (key, 1, 1))


def test_size_of_the_network():
    run = load_run(ROOT / "artifacts" / "emoscope")
    assert f"{run.info.parameters / 1e6:.2f} M weights" in README
    assert f"{run.litert_file.stat().st_size / 1e6:.1f} MB" in README


def test_speed():
    single = on_one_thread("emoscope")
    assert f"{single['ms_a_face']:.1f} ms" in README
    assert f"{single['ratio']:.2f} of the rate" in README


def test_live_video():
    rows = {(p, r["name"]): r["value"] for p, part in benchmark("live")["parts"].items() for r in part["rows"]}
    shown = "shown, counted in the browser"
    assert f"| {rows['rate', shown]:.1f}, {rows['slow', shown]:.1f} |" in README
    assert f"| {rows['rate', 'age of results, 95th percentile']:.0f} ms |" in README
    worst = rows["sessions", "shown by the slowest of four"], rows["sessions", "analyses of the least served"]
    assert f"| {worst[0]:.1f}, {worst[1]:.1f} |" in README


def test_capacity():
    rows = {row["name"]: row["value"] for row in benchmark("live")["parts"]["capacity"]["rows"]}
    for n in range(1, 5):
        shown, analyses = rows[f"viewers {n}: shown by the slowest"], rows[f"viewers {n}: analyses of the least served"]
        cores = rows[f"viewers {n}: cores that the server took"]
        assert f"| {n} | {shown:.1f} | {analyses:.1f} | {cores:.2f} |" in README
    each = cores / 4
    assert f"the server takes {each:.2f} of a core for each" in README
    assert int(1 / each) == 5 and "so a core serves five" in README
    stages = {row["name"]: row["value"] for row in benchmark("live")["parts"]["rate"]["rows"]}
    assert f"{stages['classify_ms']:.1f} ms of an analysis beside {stages['detect_ms']:.1f} ms" in README


def test_api():
    rows = {row["clients"]: row for row in benchmark("api")["results"]}
    rates = ", ".join(f"{rows[clients]['requests_per_second']:.0f}" for clients in (1, 8, 64))
    assert f"| {rates} |" in README
    assert f"| {rows[64]['ratio']:.2f}, {rows[1]['p50_ms']:.1f} ms |" in README
    assert not any(row["errors"] for row in rows.values())


def test_batches():
    photos, crops = benchmark("batch")["results"]
    assert f"| {photos['batch']:.0f}, {crops['batch']:.0f} |" in README
    assert f"| {photos['ratio']:.2f}, {crops['ratio']:.2f} |" in README


def test_video():
    assert f"| {benchmark('video')['analysis']['times_real_time']:.1f} times as fast as it plays |" in README


def test_pages():
    worst = {}
    for row in benchmark("pages")["pages"]:
        if row["limit_seconds"] is not None:
            worst[row["world"]] = max(worst.get(row["world"], 0), row["first_seconds"])
    assert f"| {', '.join(f'{seconds:.1f} s' for seconds in worst.values())} |" in README


def test_page_weight():
    home = benchmark("page_weight")["pages"]["home"]
    assert f"| {home['transferred'] / 1e6:.1f} MB, {home['unpacked'] / 1e6:.1f} MB |" in README


def test_pictures_that_it_shows_are_there():
    shown = [line.split("](")[1].split(")")[0] for line in README.splitlines() if line.startswith("![")]
    assert shown
    assert all((ROOT / path).is_file() for path in shown)
