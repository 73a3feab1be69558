import threading
from queue import Queue
from types import SimpleNamespace

import pytest

from emoscope.dashboard.api import batching
from emoscope.dashboard.api.batching import MAX_FACES, Job, MicroBatcher

SECONDS = 20  # far more than any of this takes


class FakePipeline:
    """Reads crops as themselves, notes what came together, and waits for ``gate`` before."""

    def __init__(self, classifier=None):
        self.classifier = classifier or object()
        self.batches = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def classify_crops(self, crops):
        self.batches.append(list(crops))
        self.entered.release()
        assert self.gate.wait(SECONDS)
        if "bad" in crops:
            raise ValueError("the network failed")
        return list(crops)


@pytest.fixture
def batcher():
    done = Queue()
    made = MicroBatcher(lambda outcomes: [done.put(pair) for pair in outcomes])
    return SimpleNamespace(
        put=lambda *jobs: [(made.announce(1), made.put(job)) for job in jobs],
        outcome=lambda: done.get(timeout=SECONDS),
        made=made,
    )


def test_what_waits_is_read_together_and_told_apart(batcher):
    pipeline = FakePipeline()
    pipeline.gate.clear()
    first, *others = jobs = [Job(pipeline, [f"{i}a", f"{i}b"]) for i in range(4)]
    batcher.put(first)
    assert pipeline.entered.acquire(timeout=SECONDS)
    batcher.put(*others)
    pipeline.gate.set()
    outcomes = [batcher.outcome() for _ in jobs]
    assert outcomes == [(job, job.crops) for job in jobs]
    assert [len(batch) for batch in pipeline.batches] == [2, 6]


def test_a_batch_is_bounded_but_a_crowded_picture_stays_whole(batcher):
    pipeline = FakePipeline()
    pipeline.gate.clear()
    batcher.put(Job(pipeline, ["first"]))
    assert pipeline.entered.acquire(timeout=SECONDS)
    batcher.put(*(Job(pipeline, ["x"]) for _ in range(MAX_FACES + 1)), Job(pipeline, ["y"] * 3 * MAX_FACES))
    pipeline.gate.set()
    for _ in range(MAX_FACES + 3):
        batcher.outcome()
    assert [len(batch) for batch in pipeline.batches] == [1, MAX_FACES, 1, 3 * MAX_FACES]


def test_networks_are_not_mixed_and_detectors_of_one_are(batcher):
    one, other = FakePipeline(), FakePipeline()
    same = FakePipeline(one.classifier)
    one.gate.clear()
    batcher.put(Job(one, ["first"]))
    assert one.entered.acquire(timeout=SECONDS)
    batcher.put(Job(one, ["a"]), Job(other, ["b"]), Job(same, ["c"]), Job(other, ["d"]))
    one.gate.set()
    outcomes = [batcher.outcome()[1] for _ in range(5)]
    assert outcomes == [["first"], ["a"], ["c"], ["b"], ["d"]]
    assert one.batches == [["first"], ["a", "c"]] and other.batches == [["b", "d"]]


def test_a_failure_reaches_its_requests_and_no_later_one(batcher):
    pipeline = FakePipeline()
    batcher.put(Job(pipeline, ["bad"]))
    assert str(batcher.outcome()[1]) == "the network failed"
    batcher.put(Job(pipeline, ["good"]))
    assert batcher.outcome()[1] == ["good"]


def test_an_idle_thread_waits_for_pictures_that_are_being_opened(batcher, monkeypatch):
    monkeypatch.setattr(batching, "MAX_WAIT_SECONDS", 10 * SECONDS)
    pipeline = FakePipeline()
    batcher.made.announce(2)
    batcher.made.put(Job(pipeline, ["a"]))
    batcher.made.put(Job(pipeline, ["b"]))
    assert [batcher.outcome()[1], batcher.outcome()[1]] == [["a"], ["b"]]
    assert pipeline.batches == [["a", "b"]]


def test_nobody_is_waited_for_where_no_other_picture_is_coming(batcher, monkeypatch):
    monkeypatch.setattr(batching, "MAX_WAIT_SECONDS", 10 * SECONDS)
    pipeline = FakePipeline()
    batcher.put(Job(pipeline, ["alone"]))
    assert batcher.outcome()[1] == ["alone"]
    batcher.made.announce(2)
    batcher.made.put(Job(pipeline, ["face"]))
    batcher.made.give_up()  # the other picture shows no face
    assert batcher.outcome()[1] == ["face"]
