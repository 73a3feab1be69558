"""The notebook runs from a folder of pictures to an exported run, with the project's own functions alone."""

import ast
import json
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from emoscope.model.dataset import FER2013_CLASSES, load_dataset
from emoscope.model.runs.exports import read_exports
from emoscope.model.runs.predictions import Predictions, write_predictions
from emoscope.model.runs.run import RunInfo, load_run, write_run_info
from tests.test_borders import FORBIDDEN

TRAINING = Path(__file__).parents[2] / "training"
NOTEBOOK = nbformat.read(TRAINING / "walkthrough.ipynb", as_version=nbformat.NO_CONVERT)
CODE = {cell.id: cell.source for cell in NOTEBOOK.cells if cell.cell_type == "code"}
TREE = ast.parse("\n".join(CODE.values()))
PICTURES = {"train": 12, "validation": 4, "test": 5}  # a class


def write_pictures(folder):
    """Write noise in folders of a split and a class; the classes differ in brightness."""
    rng = np.random.default_rng(0)
    for split, count in PICTURES.items():
        for label, name in enumerate(FER2013_CLASSES):
            (folder / split / name).mkdir(parents=True)
            for i in range(count):
                image = 30 * label + rng.integers(0, 60, (48, 48), np.uint8)
                cv2.imwrite(str(folder / split / name / f"{i}.png"), image)


def write_bundled_run(path, data):
    """Write what the bundled run would be on these data: answers that are right every time."""
    test = load_dataset(data, cache=False).test
    write_run_info(path, RunInfo("Emoscope", "foreign", FER2013_CLASSES, (48, 48), 1))
    right = np.eye(len(FER2013_CLASSES), dtype=np.float32)[test.labels]
    write_predictions(path, "test", Predictions(np.arange(len(test)), test.pixel_hash, test.labels, right))


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook after all its cells ran, by cell id, and the folder of saved runs."""
    folder = tmp_path_factory.mktemp("walkthrough")
    write_pictures(folder / "data")
    write_bundled_run(folder / "runs" / "emoscope", folder / "data")
    # Jupyter finds this kernel first, so the notebook runs on the interpreter of these tests.
    kernel = folder / "jupyter" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": command, "display_name": "Python 3", "language": "python"}))
    settings = {
        "EMOSCOPE_DATA": folder / "data",
        "EMOSCOPE_ARTIFACTS": folder / "runs",
        "EMOSCOPE_CACHE": folder / "cache",
        "IPYTHONDIR": folder / "ipython",
        "JUPYTER_PATH": folder / "jupyter",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
    }
    notebook = nbformat.read(TRAINING / "walkthrough.ipynb", as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, str(value))
        where = {"metadata": {"path": TRAINING}}  # as Jupyter and VS Code do
        NotebookClient(notebook, kernel_name="python3", timeout=200, resources=where).execute()
    return {cell.id: cell for cell in notebook.cells}, folder / "runs"


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


@pytest.mark.slow
def test_every_cell_runs(executed):
    cells, _ = executed
    counts = [cells[name].execution_count for name in CODE]
    assert all(later == earlier + 1 for earlier, later in pairwise(counts))
    assert not [output for name in CODE for output in cells[name].outputs if output.output_type == "error"]


@pytest.mark.slow
def test_it_leaves_a_trained_evaluated_exported_run(executed):
    _, runs = executed
    run = load_run(runs / "walkthrough")
    assert run.missing == ()
    assert run.info.architecture == "lite_cnn"
    assert run.info.class_names == FER2013_CLASSES
    assert run.info.dataset.splits == {name: 7 * count for name, count in PICTURES.items()}
    assert len(run.history["val_loss"]) == run.info.config["epochs"]
    assert run.splits == ("test", "validation")
    assert len(run.predictions("test").label) == run.metrics["test"]["n"] == 35
    forms = read_exports(run)
    assert [form.variant for form in forms] == ["float32", "float16", "int8"]
    assert all(form.file and form.run.splits[0] == "test" and form.milliseconds > 0 for form in forms)
    assert {folder.name for folder in runs.glob("[!.]*")} == {"emoscope", "walkthrough"}


@pytest.mark.slow
def test_it_shows_what_it_says(executed):
    cells, _ = executed
    assert "35" in printed(cells["load-data"])
    assert "epoch 3/3 at 48 px" in printed(cells["train"])
    assert "Accuracy" in printed(cells["metrics"])
    assert "emoscope" in printed(cells["compare"]) and "n = 35" in printed(cells["compare"])
    assert len(printed(cells["export-run"]).strip().splitlines()) == 4, "a heading, three forms and no problem"
    for name in ("faces", "augmentation-sheet", "predict", "explain"):
        assert "image/png" in cells[name].outputs[-1].data, name


def test_it_holds_no_logic_of_its_own():
    loops = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
    definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    logic = [node for node in ast.walk(TREE) if isinstance(node, (*loops, *definitions, ast.Try, ast.TryStar))]
    assert not [ast.unparse(node) for node in logic]


def test_it_keeps_to_the_border():
    modules = {node.module for node in ast.walk(TREE) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(TREE) if isinstance(node, ast.Import) for alias in node.names}
    assert not {module.split(".")[0] for module in modules} & FORBIDDEN["training"]


def test_it_is_stored_without_outputs():
    nbformat.validate(NOTEBOOK)
    assert (NOTEBOOK.nbformat, NOTEBOOK.nbformat_minor) == (4, 5)
    assert NOTEBOOK.metadata.kernelspec.name == "python3"
    assert set(NOTEBOOK.metadata) == {"kernelspec", "language_info"}
    assert NOTEBOOK.metadata.language_info == {"name": "python"}, "no version of whoever ran it last"
    for cell in NOTEBOOK.cells:
        assert not cell.metadata
        assert cell.cell_type == "markdown" or (cell.execution_count is None and not cell.outputs)
