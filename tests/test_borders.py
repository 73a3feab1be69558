"""Dependencies point one way: pages → dashboard → model ← training, and between the rooms of each, without a circle."""

import ast
import re
from functools import cache
from graphlib import TopologicalSorter

import pytest

from tests.paths import ROOT

FORBIDDEN = {
    "model": {"training", "dashboard", "pages", "streamlit", "streamlit_webrtc"},
    "training": {"dashboard", "pages", "streamlit", "streamlit_webrtc"},
    "dashboard": {"training", "pages"},
    "pages": {"training"},
}
PACKAGES = ("model", "training", "dashboard", "pages")
HEAVY = {"tensorflow", "keras", "torch", "jax", "mtcnn"}
BACKENDS = {"tensorflow", "torch", "jax"}


def imports(file, everywhere=True):
    """Return what a file imports, dotted, our own modules without ``emoscope.``; at import time only, or anywhere."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: write imports from emoscope, not relative ones"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("emoscope.") for name in found}


def packages(file, everywhere=True):
    """Return the top-level packages that a file imports."""
    return {name.split(".")[0] for name in imports(file, everywhere)}


def room(parts):
    """Return the room of a module, e.g. ``model.runs`` of ``model.runs.run``; a file beside the rooms is one itself."""
    return ".".join(parts[:2])


@cache
def rooms():
    """Return the rooms that each room imports."""
    found = {}
    for package in ("model", "training", "dashboard"):
        for file in (ROOT / package).rglob("*.py"):
            here = room(file.relative_to(ROOT).with_suffix("").parts)
            ours = {name for name in imports(file) if name.split(".")[0] in PACKAGES}
            found.setdefault(here, set()).update({room(name.split(".")) for name in ours} - {here})
    return found


def documented_rooms():
    """Return the folders that are rooms, by dotted name."""
    folders = [folder for package in PACKAGES[:3] for folder in sorted((ROOT / package).iterdir())]
    return {f"{f.parent.name}.{f.name}": f for f in folders if (f / "__init__.py").is_file()}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_point_one_way(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    wrong = {f"{f.relative_to(ROOT)}: {name}" for f in files for name in packages(f) & FORBIDDEN[package]}
    assert not wrong


def test_our_own_modules_are_imported_from_emoscope_alone():
    files = [f for top in (*PACKAGES, "tests", "benchmarks", "emoscope") for f in (ROOT / top).rglob("*.py")]
    plain = re.compile(rf"^\s*(from|import) ({'|'.join(PACKAGES)})\b", re.MULTILINE)
    assert not [str(f.relative_to(ROOT)) for f in files if plain.search(f.read_text(encoding="utf-8"))]


def test_rooms_form_no_circle():
    order = list(TopologicalSorter(rooms()).static_order())  # raises CycleError, which names the circle
    assert order.index("model.errors") < order.index("model.runs") < order.index("model.pipeline")


@pytest.mark.parametrize("name", documented_rooms())
def test_a_room_says_what_lives_there_and_what_imports_it(name):
    docstring = ast.get_docstring(ast.parse((documented_rooms()[name] / "__init__.py").read_text(encoding="utf-8")))
    assert docstring
    text, _, importers = docstring.rpartition("Imported by ")
    assert len(text.split()) >= 10, "say in a paragraph what lives here"
    users = {user for user, used in rooms().items() if name in used}
    users |= {"pages" for file in (ROOT / "pages").glob("*.py") if name in {room(i.split(".")) for i in imports(file)}}
    assert set(re.findall(r"``([\w.]+)``", importers)) == users


@pytest.mark.parametrize("package", ["model", "dashboard", "pages"])
def test_heavy_packages_are_imported_where_they_are_needed_only(package):
    files = (ROOT / package).rglob("*.py")
    assert not {f"{f.relative_to(ROOT)}: {name}" for f in files for name in packages(f, everywhere=False) & HEAVY}


def test_training_uses_keras_and_numpy_only():
    # The converter's own process, the readers of foreign models, what a cluster's workers run and what PyTorch does
    # better than Keras are at the border and may name their library.
    border = {
        "foreign/importing.py",
        "foreign/files.py",
        "foreign/legacy_keras.py",
        "exporting/conversion_process.py",
        "cluster/worker.py",
        "backend/torch_layers.py",
    }
    training = ROOT / "training"
    files = [f for f in training.rglob("*.py") if f.relative_to(training).as_posix() not in border]
    assert not {f"{f.name}: {name}" for f in files for name in packages(f) & BACKENDS}
