import gc
import threading

from emoscope.dashboard.video.background import BackgroundWork
from emoscope.model.errors import VideoError
from emoscope.model.video.analysis import Progress


def steps(count: int, gate: threading.Event | None = None, closed: threading.Event | None = None):
    try:
        for i in range(count):
            yield Progress(float(i), i / count)
            if gate is not None:
                gate.wait(10)
    finally:
        if closed is not None:
            closed.set()


def test_it_goes_to_its_end():
    work = BackgroundWork(lambda: steps(5))
    assert work.wait(10) and not work.is_running and not work.was_stopped and work.error is None
    assert work.progress == Progress(4.0, 0.8) and work.seconds_left >= 0


def test_it_stops_when_asked():
    gate, closed = threading.Event(), threading.Event()
    work = BackgroundWork(lambda: steps(1000, gate, closed))
    assert work.is_running
    work.stop()
    gate.set()
    assert work.wait(10) and work.was_stopped and closed.wait(10)
    assert work.progress.at < 5


def test_it_stops_when_nobody_holds_it_any_more():
    gate, closed = threading.Event(), threading.Event()
    work = BackgroundWork(lambda: steps(1000, gate, closed))
    del work
    gc.collect()
    gate.set()
    assert closed.wait(10)


def test_what_goes_wrong_is_kept_as_a_sentence():
    def broken(error):
        raise error
        yield

    known = VideoError("It is no video.", "Choose another.")
    work = BackgroundWork(lambda: broken(known))
    assert work.wait(10) and work.error is known
    work = BackgroundWork(lambda: broken(ZeroDivisionError("by zero")))
    assert work.wait(10) and "ZeroDivisionError" in str(work.error)


def test_others_wait_for_their_turn(monkeypatch):
    monkeypatch.setattr("emoscope.dashboard.video.background._TURNS", threading.BoundedSemaphore(1))
    gate = threading.Event()
    first = BackgroundWork(lambda: steps(1, gate))
    while first.is_waiting:
        threading.Event().wait(0.01)
    second = BackgroundWork(lambda: steps(1))
    third = BackgroundWork(lambda: steps(1))
    assert second.is_waiting and second.seconds_left is None
    third.stop()
    assert third.wait(10) and second.is_waiting
    gate.set()
    assert first.wait(10) and second.wait(10)


def test_it_ends_soon_after_its_owner_is_gone_and_lets_the_next_begin(monkeypatch):
    monkeypatch.setattr("emoscope.dashboard.video.background._TURNS", threading.BoundedSemaphore(1))
    monkeypatch.setattr("emoscope.dashboard.video.background.GRACE_SECONDS", 0.3)
    here = threading.Event()
    here.set()
    pause = threading.Event()

    def endless():
        while True:
            pause.wait(0.01)
            yield Progress(0.0, 0.0)

    first = BackgroundWork(endless, here.is_set)
    while first.is_waiting:
        pause.wait(0.01)
    second = BackgroundWork(endless, here.is_set)
    third = BackgroundWork(lambda: steps(1))
    here.clear()
    pause.wait(0.1)
    here.set()  # a short absence is forgiven
    assert not first.wait(0.6) and not first.was_abandoned
    here.clear()
    assert first.wait(10) and first.was_abandoned
    assert second.wait(10) and second.was_abandoned, "work that waits ends, too"
    assert third.wait(10) and not third.was_stopped
