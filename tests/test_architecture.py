"""``docs/architecture.md`` names every room, and its walks name what the code holds."""

import ast
import re
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.test_borders import documented_rooms

GUIDE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
WALKS = GUIDE.split("## Five walks through the code")[1].split("\n### ")[1:]
STEP = re.compile(r"`(\w+/[\w/]+\.(?:py|js))(?:: ([\w.]+))?`")


def definitions(file: Path) -> set[str]:
    """Return the functions and classes of a module, methods as ``Class.method``."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
            members = node.body if isinstance(node, ast.ClassDef) else []
            found |= {f"{node.name}.{member.name}" for member in members if isinstance(member, ast.FunctionDef)}
    return found


def test_definitions_are_functions_classes_and_methods(tmp_path):
    file = tmp_path / "module.py"
    file.write_text("def one(): ...\nclass Two:\n    def three(self): ...\nfour = 4\n")
    assert definitions(file) == {"one", "Two", "Two.three"}


def test_five_walks_have_about_a_dozen_steps():
    assert len(WALKS) == 5
    assert all(10 <= len(re.findall(r"^\d+\. `", walk, re.MULTILINE)) <= 14 for walk in WALKS)


@pytest.mark.parametrize("walk", WALKS, ids=[walk.splitlines()[0] for walk in WALKS])
def test_every_step_names_what_is_there(walk):
    for path, name in STEP.findall(walk):
        assert (ROOT / path).is_file(), f"there is no {path}"
        assert not name or name in definitions(ROOT / path), f"{path} defines no {name}"


def test_modules_named_outside_of_the_walks_are_there():
    assert not [path for path, _ in STEP.findall(GUIDE) if not (ROOT / path).is_file()]


def test_every_room_is_listed_and_every_listed_room_is_there():
    listed = re.findall(r"^\| `((?:model|dashboard|training)/\w+)` \|", GUIDE, re.MULTILINE)
    assert sorted(listed) == sorted(name.replace(".", "/") for name in documented_rooms())
