"""Networks of PyTorch, each turned into ONNX by PyTorch itself in a process of its own."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.networks.onnx import open_onnx
from emoscope.model.runs.run import RunInfo
from emoscope.training.foreign.importing import ImportOptions, import_model
from emoscope.training.foreign.torch_files import as_onnx
from tests.factories import FER7
from tests.training.made_up import make_dataset

torch = pytest.importorskip("torch", reason="needs requirements-torch.txt")
pytestmark = pytest.mark.slow
SIZE = (48, 48)


def light(channels: int = 1):
    """Return a network that calls bright pictures class 3 and dark ones class 4."""
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(channels, 7))
    with torch.no_grad():
        network[2].weight.copy_(torch.tensor([[0.0, 0, 0, 20, -20, 0, 0]] * channels).T / channels)
        network[2].bias.copy_(torch.tensor([-9.0, -9, -9, -10, 10, -9, -9]))
    return network.eval()


def write(kind: str, file: Path, channels: int = 1) -> Path:
    network, example = light(channels), torch.rand(2, channels, *SIZE)
    if kind == "script":
        torch.jit.script(network).save(str(file))
    elif kind == "trace":
        torch.jit.trace(network, example).save(str(file))
    else:
        free = ({0: torch.export.Dim("batch", min=1, max=512)},) if kind == "program" else None
        example = example if free else example[:1]
        torch.export.save(torch.export.export(network, (example,), dynamic_shapes=free), str(file))
    return file


@pytest.mark.parametrize(
    ("kind", "name"),
    [("script", "light.pt"), ("trace", "light.ts"), ("program", "light.pt2"), ("of one image", "light.pt2")],
)
def test_a_network_of_pytorch_becomes_a_run(tmp_path, kind, name):
    file = write(kind, tmp_path / name)
    options = ImportOptions(input_size=SIZE)
    run = import_model(file, lambda size, channels: make_dataset(), options, root=tmp_path / "runs")
    assert run.metrics["PrivateTest"]["accuracy"] == 1.0
    assert run.info.config["source_file"] == name and "converted from PyTorch to ONNX" in run.info.note
    assert [path.name for path in tmp_path.iterdir() if path != run.path.parent] == [name]


def test_it_computes_what_pytorch_computes_in_colour_too(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3)).astype(np.uint8)
    with as_onnx(write("script", tmp_path / "colour.pt", channels=3), SIZE) as file:
        found = open_onnx(file, RunInfo("x", "foreign", FER7, SIZE, 3)).classify(images)
    with torch.no_grad():
        scores = light(3)(torch.from_numpy(images.transpose(0, 3, 1, 2)).float() / 255)
    np.testing.assert_allclose(found.probabilities, scores.softmax(1), rtol=1e-5)
    assert not file.exists()


def test_a_script_without_its_size_asks_for_it(tmp_path):
    with pytest.raises(RunError, match="--input-size 48x48"), as_onnx(write("script", tmp_path / "a.pt"), None):
        pass


def test_weights_without_their_network_are_refused_unopened(tmp_path):
    torch.save(light().state_dict(), tmp_path / "weights.pth")
    with pytest.raises(RunError, match="weights without their network"), as_onnx(tmp_path / "weights.pth", SIZE):
        pass


def test_a_network_that_cannot_be_opened_is_one_sentence(tmp_path):
    file = write("program", tmp_path / "light.pt2")
    content = bytearray(file.read_bytes())
    place = content.index(b'"graph_module"')
    content[place : place + 14] = b'"grave_module"'
    file.write_bytes(content)
    with pytest.raises(RunError, match="cannot be turned into an ONNX network") as caught, as_onnx(file, SIZE):
        pass
    assert "\n" not in str(caught.value)


class Harm:
    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def test_a_pickle_within_an_exported_program_is_not_run(tmp_path):
    """PyTorch opens sample inputs by unpickling whatever is there, where it is not told otherwise."""
    file, harmed = write("program", tmp_path / "light.pt2"), tmp_path / "harmed"
    evil = tmp_path / "evil.pt2"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(evil, "w") as new:
        for name in old.namelist():
            is_sample = name.endswith("sample_inputs/model.pt")
            new.writestr(name, pickle.dumps(Harm(harmed)) if is_sample else old.read(name))
    with pytest.raises(RunError, match="cannot be turned into"), as_onnx(evil, SIZE):
        pass
    assert not harmed.exists()
