"""A fragment redraws itself alone, so what the page as a whole shows must not hang on a click inside one.

The page-level part of the app is what runs outside of every fragment. A session key that it reads is changed inside of
a fragment only by code that then asks for the whole page with ``st.rerun()``. A callback cannot do that: after it
Streamlit redraws the fragment and nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent


class Code(NamedTuple):
    """A function, or the top level of a page: all that runs in it but the functions that it defines."""

    file: str
    name: str
    nodes: list[ast.AST]
    constants: dict[str, str]

    def calls(self) -> Iterator[ast.Call]:
        return (node for node in self.nodes if isinstance(node, ast.Call))

    def text(self, node: ast.AST) -> str:
        """The string that an expression is: written out, or the name of a constant of the module."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else ""
        return self.constants.get(node.id, "") if isinstance(node, ast.Name) else ""

    def texts(self, nodes: Iterable[ast.AST]) -> set[str]:
        return {self.text(node) for node in nodes} - {""}

    @property
    def asks_for_the_page(self) -> bool:
        return any(ast.unparse(call) == "st.rerun()" for call in self.calls())


class Program:
    """The functions of files; those below ``pages/`` also run from their top level."""

    def __init__(self, files: dict[str, str]) -> None:
        self.modules = {Path(file).stem for file in files}
        self.functions: list[Code] = []
        self.fragments: list[Code] = []
        self.pages: list[Code] = []
        for file, source in files.items():
            tree = ast.parse(source)
            constants = dict(constants_of(tree))
            for node in functions_below(tree):
                self.functions.append(Code(file, node.name, list(body(node)), constants))
                if any("fragment" in ast.unparse(decorator) for decorator in node.decorator_list):
                    self.fragments.append(self.functions[-1])
            if file.startswith("pages/"):
                self.pages.append(Code(file, file, list(body(tree)), constants))

    def named(self, node: ast.AST, file: str) -> list[Code]:
        """The functions that an expression names: ``f``, ``module.f``, ``partial(f, …)`` or ``lambda: f()``."""
        attributes = [n for n in ast.walk(node) if isinstance(n, ast.Attribute)]
        owners = [n.value for n in attributes]
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n not in owners}
        names |= {n.attr for n in attributes if ast.unparse(n.value) in self.modules}
        own = {function.name for function in self.functions if function.file == file}
        elsewhere = {name for name in names - own if not name.startswith("_")}
        return [f for f in self.functions if f.name in (names if f.file == file else elsewhere)]

    def called(self, code: Code) -> list[Code]:
        return [function for call in code.calls() for function in self.named(call.func, code.file)]

    def reach(self, starts: Iterable[Code], stops: Iterable[Code] = ()) -> list[Code]:
        """What runs from some code on, callbacks left out."""
        found: list[Code] = []
        waiting = list(starts)
        while waiting:
            code = waiting.pop()
            if code not in found and code not in stops:
                found.append(code)
                waiting += self.called(code)
        return found

    def callbacks(self, code: Code) -> Iterator[tuple[list[Code], set[str]]]:
        """The functions that code has called later, each group with the strings that are handed to it."""
        for call in code.calls():
            later = [keyword.value for keyword in call.keywords if (keyword.arg or "").startswith("on_")]
            later += [value for value in call.args if ast.unparse(value).startswith("partial(")]
            given = [node for keyword in call.keywords if keyword.arg == "args" for node in ast.walk(keyword.value)]
            for value in later:
                yield self.named(value, code.file), code.texts([*given, *ast.walk(value)])


def constants_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield ast.unparse(node.targets[0]), node.value.value


def functions_below(node: ast.AST) -> Iterator[ast.FunctionDef]:
    """Functions and those inside of them; no methods."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            yield child
        if not isinstance(child, ast.ClassDef):
            yield from functions_below(child)


def body(node: ast.AST) -> Iterator[ast.AST]:
    for child in node.body if isinstance(node, ast.Module | ast.FunctionDef) else ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.ClassDef):
            yield child
            yield from body(child)


def is_state(node: ast.AST) -> bool:
    return ast.unparse(node) == "st.session_state"


def reads(code: Code) -> set[str]:
    """The session keys that code reads or gives to widgets."""
    found = [n.slice for n in code.nodes if isinstance(n, ast.Subscript) and is_state(n.value)]
    for call in code.calls():
        if call.args and (ast.unparse(call.func) in ("kept", "state.kept", "st.session_state.get")):
            found.append(call.args[0])
        found += [keyword.value for keyword in call.keywords if keyword.arg == "key"]
    return code.texts(found)


def writes(code: Code) -> tuple[set[str], bool]:
    """The session keys that code changes, and whether their names may come from its arguments."""
    keys = [
        node.slice
        for node in code.nodes
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del) and is_state(node.value)
    ]
    keys += [call.args[0] for call in code.calls() if ast.unparse(call.func) == "st.session_state.pop"]
    if all(code.text(key) for key in keys):
        return code.texts(keys), False
    return code.texts(code.nodes), True  # a loop over names, or a parameter


def faults(program: Program) -> set[str]:
    """Name each place inside of a fragment that changes what only the whole page shows."""
    shown = set().union(*map(reads, program.reach(program.pages, stops=program.fragments)))
    found = set()
    for code in program.reach(program.fragments):
        for functions, strings in program.callbacks(code):
            for function in program.reach(functions):
                keys, named_outside = writes(function)
                changed = (keys | strings if named_outside else keys) & shown
                found |= {f"{code.name}: a callback changes {key}" for key in changed}
        for other in (*program.called(code), *([code] if code in program.fragments else [])):
            if not code.asks_for_the_page and not other.asks_for_the_page:
                found |= {f"{code.name}: changes {key} without st.rerun()" for key in writes(other)[0] & shown}
    return found


def test_no_click_inside_a_fragment_changes_what_only_the_whole_page_shows():
    files = [file for folder in ("pages", "dashboard") for file in (ROOT / folder).rglob("*.py")]
    program = Program({file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files})
    assert len(program.fragments) >= 5 and len(program.pages) >= 10
    assert faults(program) == set()


PAGE = """
import streamlit as st
work = st.session_state.get("video")
if work is None:
    choose()
else:
    results(work)
"""
PARTS = """
def forget():
    for key in ("video", "upload"):
        st.session_state.pop(key, None)

def put(key, value):
    st.session_state[key] = value

@st.fragment
def results(work):
"""


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('st.button("Another", on_click=forget)', True),
        ('st.button("Another", on_click=partial(forget))', True),
        ('st.button("Another", on_click=lambda: forget())', True),
        ('st.button("Another", on_click=put, args=("video", None))', True),
        ('st.button("Another", on_click=put, args=("moment", 3))', False),
        ('if st.button("Another"): forget()', True),
        ('if st.button("Another"): forget(); st.rerun()', False),
        ('if st.button("Another"): forget(); st.rerun(scope="fragment")', True),
        ('st.session_state["video"] = None', True),
        ('st.session_state["moment"] = 3', False),
    ],
)
def test_the_rule_tells_right_from_wrong(line, wrong):
    program = Program({"pages/video.py": PAGE, "dashboard/parts.py": f"{PARTS}    {line}\n"})
    assert bool(faults(program)) == wrong
