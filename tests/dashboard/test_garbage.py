import gc
import weakref

import pytest

from dashboard import garbage


class Knot:
    """Refers to itself, so only a collection ends it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def thaw():
    yield
    gc.unfreeze()


def test_what_survived_is_passed_over_by_later_collections():
    kept = [[i] for i in range(garbage.MOST_OBJECTS)]
    assert garbage.shorten_collections()
    assert gc.get_freeze_count() > len(kept) and len(gc.get_objects()) < garbage.MOST_OBJECTS
    assert not garbage.shorten_collections()


def test_what_was_passed_over_and_is_garbage_now_is_found_the_next_time():
    many = [[i] for i in range(garbage.MOST_OBJECTS)]
    knot = Knot()
    gone = weakref.ref(knot)
    assert garbage.shorten_collections()
    del knot
    gc.collect()
    assert gone() is not None, "it is passed over"
    more = [[i] for i in range(garbage.MOST_OBJECTS)]
    assert garbage.shorten_collections()
    assert gone() is None and len(many) == len(more)
