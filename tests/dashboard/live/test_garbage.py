import gc
import weakref

import pytest

from emoscope.dashboard.live import garbage
from emoscope.dashboard.live.garbage import CollectionWatch


class Knot:
    """Refers to itself, so only a collection ends it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def watch():
    gc.unfreeze()  # an app that ran in an earlier test may have frozen what there was
    watch = CollectionWatch()
    yield watch
    watch.close()


def make_long(monkeypatch) -> None:
    monkeypatch.setattr(garbage, "LONG_SECONDS", 1e-9)
    gc.collect()


def test_what_survived_is_passed_over_by_later_collections(watch, monkeypatch):
    assert gc.get_freeze_count() == 0
    make_long(monkeypatch)
    assert watch.shorten() and gc.get_freeze_count() > 10_000
    assert not watch.shorten(), "that takes time itself, so not over and over"


def test_nothing_is_done_while_collections_are_short(watch, monkeypatch):
    monkeypatch.setattr(garbage, "LONG_SECONDS", 1e9)
    gc.collect()
    assert not watch.shorten() and gc.get_freeze_count() == 0


def test_what_was_passed_over_and_is_garbage_now_is_found_the_next_time(watch, monkeypatch):
    monkeypatch.setattr(garbage, "PAUSE_SECONDS", 0.0)
    knot = Knot()
    gone = weakref.ref(knot)
    make_long(monkeypatch)
    assert watch.shorten()
    del knot
    gc.collect()
    assert gone() is not None, "it is passed over"
    assert watch.shorten()
    assert gone() is None
