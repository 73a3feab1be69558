"""What ``make fuzz`` found once stays mended, and some new mutants of every kind are tried in each run of the tests."""

import pytest

from tests.reliability import fuzz

# As many as take a few seconds of each kind; the networks start a process each.
MUTANTS = {"clips": 60, "networks": 12, "run_zips": 20}
FOUND = sorted(path for path in fuzz.CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_once_is_read_or_refused(path):
    assert fuzz.tried(path.parent.name, (path.name.partition("-")[2], path.read_bytes())) == ""


@pytest.mark.slow
@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_mutants_are_read_or_refused(kind):
    assert list(fuzz.findings(kind, range(MUTANTS.get(kind, 150)))) == []


def test_what_goes_wrong_is_a_finding(monkeypatch):
    def raises(path):
        raise KeyError(path.name)

    made = fuzz.Kind(lambda: [("a.txt", b"abc")], raises, lambda seed, seeds, rng: seed[1])
    monkeypatch.setitem(fuzz.KINDS, "made up", made)
    assert fuzz.tried("made up", ("a.txt", b"abc")) == "KeyError: 'a.txt'"
