"""Dependencies point one way: pages → dashboard → model ← training."""

import ast
from pathlib import Path

import pytest

from tests.paths import ROOT

FORBIDDEN = {
    "model": {"training", "dashboard", "pages", "streamlit", "streamlit_webrtc"},
    "training": {"dashboard", "pages", "streamlit", "streamlit_webrtc"},
    "dashboard": {"training", "pages"},
    "pages": {"training"},
}
HEAVY = {"tensorflow", "keras", "torch", "jax", "mtcnn"}


def imports(file: Path, everywhere: bool) -> set[str]:
    """Return the top-level packages that a file imports; at import time only, or inside functions too."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if everywhere else iter(tree.body)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_point_one_way(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    wrong = {f"{f.relative_to(ROOT)}: {name}" for f in files for name in imports(f, True) & FORBIDDEN[package]}
    assert not wrong


@pytest.mark.parametrize("package", ["model", "dashboard", "pages"])
def test_heavy_packages_are_imported_where_they_are_needed_only(package):
    files = (ROOT / package).rglob("*.py")
    assert not {f"{f.relative_to(ROOT)}: {name}" for f in files for name in imports(f, False) & HEAVY}


def test_training_uses_keras_and_numpy_only():
    # The converter's own process, the readers of foreign models, what a cluster's workers run and what PyTorch does
    # better than Keras are at the border and may name their library.
    readers = {"import_model.py", "foreign.py", "legacy_keras.py", "conversion.py"}
    border = readers | {"scale_out_worker.py", "torch_speed.py"}
    files = [f for f in (ROOT / "training").rglob("*.py") if f.name not in border]
    assert not {f"{f.name}: {name}" for f in files for name in imports(f, True) & {"tensorflow", "torch", "jax"}}
