"""That the benchmarks of speed run and say what they measured; never how fast anything is."""

import json
import shutil
import sys

import pytest

from benchmarks import cold_start, inference
from emoscope.model.runs.run import RunInfo, write_run_info
from tests.paths import ASSETS

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


@pytest.fixture
def measured(tmp_path, monkeypatch):
    run = tmp_path / "runs" / "emoscope"
    write_run_info(run, RunInfo("Tiny", "foreign", CLASSES, (48, 48), 1, multiply_adds=3000))
    shutil.copy(ASSETS / "cam.tflite", run / "model.tflite")
    monkeypatch.setenv("EMOSCOPE_ARTIFACTS", str(tmp_path / "runs"))

    def measure(benchmark) -> dict:
        output = tmp_path / "figures.json"
        monkeypatch.setattr(sys, "argv", ["benchmark", "--repetitions", "1", "--output", str(output)])
        benchmark.main()
        return json.loads(output.read_text())

    return measure


def test_inference_gives_a_ratio_for_each_batch_and_thread_count(measured, capsys):
    content = measured(inference)
    assert [(row["threads"], row["batch"]) for row in content["results"]] == [(1, 1), (1, 32), (2, 1), (2, 32)]
    for row in content["results"]:
        assert row["gflops"] == pytest.approx(3000 / row["ms_per_face"] / 1e6, rel=0.05, abs=1e-3)
        assert row["product_gflops"] > 0
        assert row["run"] == "emoscope"
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_cold_start_reads_the_face_without_anything_heavy(measured):
    content = measured(cold_start)
    assert content["heavy_packages"] == []
    assert content["label"] in CLASSES
    assert min(content["first_face"]["seconds"], content["import_cv2_numpy"]["seconds"]) > 0
    assert content["first_face"]["peak_mb"] > content["import_cv2_numpy"]["peak_mb"] > 10


@pytest.mark.slow
def test_training_gives_rates_beside_the_products(tmp_path, monkeypatch, capsys):
    from benchmarks import training

    output = tmp_path / "figures.json"
    flags = ["--configs", "lite_cnn", "--batches", "1", "--repetitions", "1", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["benchmark", *flags])
    training.main()
    content = json.loads(output.read_text())
    (row,) = content["results"]
    # Two valid convolutions on 48 and 23 pixels, two dense layers; a multiplication and an addition each.
    assert row["operations_per_face"] == 2 * (9 * 32 * 46**2 + 9 * 32 * 64 * 21**2 + 6400 * 128 + 128 * 7)
    assert row["gflops"] == pytest.approx(
        3 * row["operations_per_face"] * row["images_per_second"] / 1e9, rel=0.05, abs=0.01
    )
    assert row["ratio"] == pytest.approx(row["gflops"] / row["product_gflops"], rel=0.05, abs=0.01)
    timed = {part["layer"]: part["milliseconds"] for part in row["layers"]}
    assert sum("conv2d" in name for name in timed) == 2 and min(timed.values()) >= 0
    assert content["machine"]["backend"] in ("tensorflow", "torch", "jax")
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(timed)
