"""``docs/glossary.md`` is in order, and the documents use its terms."""

import re

import pytest

from tests.paths import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "training/README.md", "deploy/README.md")),
    *(file for file in sorted((ROOT / "docs").glob("*.md")) if file != GLOSSARY),
]
ROOMS = ("model", "training", "dashboard", "pages", "benchmarks")
REPLACED = {
    "accuracy": r"right answers?",
    "cached views": r"stored views?",
    "format": r"in other forms",
    "online teacher": r"watching teachers?",
    "parameters": r"\d M weights",
    "per face": r"(ms|map|operations|faces|images|frames|analyses|pictures) an? (face|second|minute|request|picture)",
    "predict": r"(read|reads|reading) (an? |the |every )?(faces?|emotions?)|, read \|",
    "prediction": r"held-out answers",
    "privileged labels": r"told of (the )?votes",
    "test split": r"not read \||leaves PrivateTest unread|readings of PrivateTest",
}
"""What must not stand in a document, by the term to write instead: only words that have no other meaning there."""


def rows() -> list[list[str]]:
    lines = GLOSSARY.read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][2:]


def test_at_least_thirty_terms_in_alphabetical_order():
    terms = [row[0] for row in rows()]
    assert len(terms) >= 30
    assert terms == sorted(dict.fromkeys(terms), key=lambda term: re.sub(r"[^a-z ]", "", term.lower()))


def test_each_term_has_a_meaning_of_one_line():
    assert not [row for row in rows() if len(row) != 3 or len(row[1].split()) < 5]


def test_every_checked_term_is_in_the_glossary():
    assert REPLACED.keys() <= {row[0] for row in rows()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_documents_use_the_terms(document):
    text = " ".join(document.read_text(encoding="utf-8").split())
    found = {}
    for term, words in REPLACED.items():
        found |= {match[0]: term for match in re.finditer(rf"(?<!\w)({words})", text, re.IGNORECASE)}
    assert not found, "write the term of docs/glossary.md instead"


CODE = [file for room in ROOMS for file in sorted((ROOT / room).rglob("*.py"))]
COUNTED = "ms|operations|faces|images|frames|analyses|pictures|samples|seconds"
RATES = rf"({COUNTED}) an? (second|minute|request|picture|split|step)"


@pytest.mark.parametrize(
    "term", ["accuracy", "cached views", "online teacher", "privileged labels", "predict", "per face"]
)
def test_code_uses_the_terms(term):
    words = RATES if term == "per face" else REPLACED[term]
    texts = {file: " ".join(file.read_text(encoding="utf-8").split()) for file in CODE}
    found = [f"{file}: {m[0]}" for file, text in texts.items() for m in re.finditer(rf"(?<!\w)({words})\b", text, re.I)]
    assert CODE and not found, "write the term of docs/glossary.md instead"
