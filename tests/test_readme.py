"""Every figure that the README names is the one that was measured."""

import csv
import json
import re

import pytest

from benchmarks.tables import render
from emoscope.model.runs.run import load_run
from tests.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
TRAINING = (ROOT / "training" / "README.md").read_text(encoding="utf-8")


def accuracy(key, split):
    figures = load_run(ROOT / "artifacts" / key).metrics[split]
    low, high = figures["intervals"]["accuracy"]
    return f"{100 * figures['accuracy']:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def benchmark(name):
    return json.loads((ROOT / "benchmarks" / f"{name}.json").read_text())


@pytest.mark.parametrize(
    ("key", "split"),
    [
        ("emoscope", "PrivateTest by votes"),
        ("emoscope-fer2013", "PrivateTest"),
        ("emoscope-ferplus", "PrivateTest"),
    ],
)
def test_accuracies(key, split):
    assert accuracy(key, split) in README


def test_people_beside_the_default():
    metrics = load_run(ROOT / "artifacts" / "emoscope").metrics
    votes = metrics["PrivateTest by votes"]
    assert f"({votes['n']:,} images of FER-2013's PrivateTest)" in README
    assert (
        f"| the same of one person against the other nine | {100 * votes['people']['person_accuracy']:.1f} % |"
        in README
    )
    assert f"| {100 * votes['people']['ece']:.1f} % |" in README
    assert f"by the labels its accuracy is {100 * metrics['PrivateTest']['accuracy']:.1f} %" in README


def test_tables_of_the_training_are_what_their_files_say():
    assert render(TRAINING) == TRAINING, "run python -m benchmarks.tables"


def test_hours_of_training():
    with (ROOT / "benchmarks" / "recipe" / "stages.csv").open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["training"] != "first cycle of 40 epochs"]
    hours = sum(float(row["hours"]) for row in rows)
    assert f"Training took {hours:.1f} hours, all teachers and the student together" in README


def test_what_a_step_of_the_smallest_design_spends():
    rows = {row["config"]: row for row in benchmark("training")["results"]}
    first, first_pool, second, second_pool = (row["milliseconds"] for row in rows["lite_cnn"]["layers"][:4])
    words = " ".join(TRAINING.split())
    assert f"takes {second:.0f} ms of a step, the first {first:.0f} ms" in words
    assert f"the two poolings {first_pool + second_pool:.0f} ms" in words


def on_one_thread(key):
    rows = benchmark("inference")["results"]
    return next(row for row in rows if (row["run"], row["threads"], row["batch"]) == (key, 1, 1))


def test_size_of_the_network():
    run = load_run(ROOT / "artifacts" / "emoscope")
    assert f"{run.info.parameters / 1e6:.2f} M parameters" in README
    assert f"{run.litert_file.stat().st_size / 1e6:.1f} MB" in README


def test_speed():
    single = on_one_thread("emoscope")
    assert f"{single['ms_per_face']:.1f} ms" in README
    assert f"{single['ratio']:.2f} of the rate" in README


def test_live_video():
    rows = {(p, r["name"]): r["value"] for p, part in benchmark("live")["parts"].items() for r in part["rows"]}
    shown = "shown, counted in the browser"
    assert f"| {rows['rate', shown]:.1f}, {rows['slow', shown]:.1f} |" in README
    assert f"| {rows['rate', 'age of results, 95th percentile']:.0f} ms |" in README
    worst = rows["sessions", "shown by the slowest of four"], rows["sessions", "analyses of the least served"]
    assert f"| {worst[0]:.1f}, {worst[1]:.1f} |" in README


def test_live_in_the_browser():
    part = benchmark("live")["parts"]["browser"]
    rows = {row["name"]: row["value"] for row in part["rows"]}
    assert f"at a load average of {part['load_average']}" in README
    first = [rows[f"Start to first face, cache {cache}"] for cache in ("empty", "filled")]
    assert f"| {first[0]:.2f} s, {first[1]:.2f} s |" in README
    shown, analyses = rows["shown of the camera's frames"], rows["analyses"]
    assert f"| {shown:.1f}, {analyses:.1f} |" in README
    ages = [rows[f"age of what is drawn, {which}"] for which in ("median", "95th percentile")]
    assert f"| {ages[0]:.0f} ms, {ages[1]:.0f} ms |" in README
    assert f"| {rows['detect']:.1f} ms, {rows['classify']:.1f} ms |" in README
    assert f"| {rows['main thread held, 99th percentile']:.1f} ms |" in README
    assert f"in nine minutes, garbage included | {rows['growth in 9 minutes']:.0f} MB |" in README
    assert rows["requests to the server"] == 0


def test_capacity():
    rows = {row["name"]: row["value"] for row in benchmark("live")["parts"]["capacity"]["rows"]}
    for n in range(1, 5):
        shown, analyses = rows[f"viewers {n}: shown by the slowest"], rows[f"viewers {n}: analyses of the least served"]
        cores = rows[f"viewers {n}: cores that the server took"]
        assert f"| {n} | {shown:.1f} | {analyses:.1f} | {cores:.2f} |" in README
    each = cores / 4
    assert f"the server takes {each:.2f} of a core for each" in README
    assert int(1 / each) == 6 and "so a core serves six" in README
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


def test_first_face_and_large_photo():
    first = benchmark("cold_start")["first_face"]
    assert f"| {first['seconds']:.1f} s, {first['peak_mb']:.0f} MB |" in README
    total = benchmark("large_photo")["seconds"]["total"]
    assert f"classified, drawn | {total:.1f} s |" in README


def test_detectors():
    measured = benchmark("detectors")
    found = {name: one["found"] for name, one in measured["detectors"].items()}
    cases = ("24 px", "48 px", "30°", "group of 40")
    shown = {name: ", ".join(f"{100 * one[case]:.0f}" for case in cases) for name, one in found.items()}
    assert f"| {shown['blazeface']} |" in README
    assert f"| {shown['yunet']}; {shown['haar']} |" in README
    false = [f"{measured['detectors'][name]['false_a_picture']:.2f}" for name in ("blazeface", "yunet", "haar")]
    assert f"| {', '.join(false)} |" in README
    cropped = measured["cropped"]
    points = 100 * (cropped["accuracy, blazeface"] - cropped["accuracy, none"])
    assert f"| {100 * cropped['answered, blazeface']:.0f} %, {points:+.1f} points |" in README


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


def test_commands_without_make_are_those_of_the_makefile():
    rows = re.findall(r"^\|(?: `make \w+`)? \| `(.+?)` \| `(.+?)` \|$", README, re.MULTILINE)
    assert len(rows) == 5
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for windows, posix in rows:
        assert windows.replace("\\", "/").replace("/Scripts/", "/bin/").split()[1:] == posix.split()[1:]
        assert f" {posix.split()[-1]}" in makefile  # the folder, the file or the module
